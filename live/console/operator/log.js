// What has happened lately.

import { $, make, write } from "./make.js";
import { clock } from "./words.js";

const MOST = 200;
const RANKS = { info: 0, warning: 1, error: 2 };

export class Log {
  constructor() {
    this.least = 0; // the lowest rank that is shown
    for (const one of $("log-levels").children) one.addEventListener("click", () => this.show(one));
    $("log-words").addEventListener("input", () => this.filter());
  }

  greet(events) {
    $("log").replaceChildren();
    for (const event of events) this.take(event);
  }

  take({ at, level, text }) {
    const list = $("log");
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40; // nobody reads back
    const line = make("li", { data: { level } }, make("time", { text: clock(new Date(at)) }), make("span", { text }));
    this.hideOrShow(line);
    list.append(line);
    while (list.children.length > MOST) list.firstChild.remove();
    if (atEnd) list.scrollTop = list.scrollHeight;
    this.count();
  }

  show(chosen) {
    this.least = Number(chosen.dataset.least);
    for (const one of $("log-levels").children) one.setAttribute("aria-checked", String(one === chosen));
    this.filter();
  }

  filter() {
    for (const line of $("log").children) this.hideOrShow(line);
    $("log").scrollTop = $("log").scrollHeight;
    this.count();
  }

  hideOrShow(line) {
    const words = $("log-words").value.trim().toLowerCase();
    line.hidden = (RANKS[line.dataset.level] ?? 0) < this.least || !line.textContent.toLowerCase().includes(words);
  }

  count() {
    write($("log-count"), String([...$("log").children].filter((one) => !one.hidden).length));
  }
}
