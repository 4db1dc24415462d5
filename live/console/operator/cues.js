// The list of cues: which went last, which goes next, and what is wrong with the file.

import { $, button, make, write } from "./make.js";

export class Cues {
  constructor(desk) {
    this.desk = desk;
    this.shown = "";
    for (const name of ["go", "back", "cues.reload"]) {
      document.querySelector(`button[data-name="${name}"]`).addEventListener("click", () => desk.do(name));
    }
  }

  take({ file, cues = [], last, next, trouble = [], waiting = null }) {
    const all = JSON.stringify(cues);
    if (all !== this.shown) this.fill(cues);
    this.shown = all;
    write($("cue-file"), file ? String(file).split(/[\\/]/).at(-1) : "no cue file");
    this.tellTrouble(trouble);
    for (const row of $("cue-list").children) {
      const mark = this.mark(Number(row.dataset.number), last, next, waiting);
      row.className = mark;
      write(row.querySelector(".mark"), { waiting: `on the ${waiting?.on}`, next: "next", last: "on" }[mark] ?? "");
    }
    const coming = cues.find(({ number }) => number === (waiting?.number ?? next));
    const words = coming ? `${coming.number} ${coming.name}` : cues.length ? "the end" : "no cues";
    write($("go-what"), waiting ? `${words}, on the ${waiting.on}` : words);
    document.querySelector("button.go").classList.toggle("waiting", waiting !== null);
    this.bring($("cue-list").querySelector(".next") ?? $("cue-list").querySelector(".last"));
  }

  mark(number, last, next, waiting) {
    if (number === waiting?.number) return "waiting";
    if (number === next) return "next";
    return number === last ? "last" : "";
  }

  fill(cues) {
    $("cue-list").replaceChildren(...cues.map(({ number, name, fade_s }) => make("li", { data: { number } },
      button({ "aria-label": `cue ${number}, ${name}, at once`, on: { click: () => this.desk.do("cue.jump", number) } },
        make("span", { class: "number", text: number }), make("span", { class: "title", text: name }),
        make("span", { class: "mark" }), make("span", { class: "fade", text: fade_s ? `${fade_s} s` : "cut" })))));
    $("no-cues").hidden = cues.length > 0;
  }

  tellTrouble(trouble) {
    $("cue-trouble").hidden = trouble.length === 0;
    $("cue-trouble-list").replaceChildren(...trouble.map((text) => make("li", { text })));
  }

  // Into sight, without moving anything but the list itself.
  bring(row) {
    const list = $("cue-list");
    if (!row) return;
    const above = row.offsetTop - list.clientHeight / 3;
    if (row.offsetTop < list.scrollTop || row.offsetTop + row.offsetHeight * 2 > list.scrollTop + list.clientHeight) list.scrollTop = above;
  }
}
