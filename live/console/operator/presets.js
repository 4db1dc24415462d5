// Everything that is set, kept under a name.

import { $, button, make } from "./make.js";
import { read } from "./words.js";

export class Presets {
  constructor(desk) {
    this.desk = desk;
    $("preset-save").addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
    $("preset-edit").addEventListener("click", () => this.edit());
  }

  async save() {
    const name = $("preset-name").value.trim();
    if (name === "") return this.desk.say("a preset needs a name: type one beside 'save'", "bad");
    if (!(await this.desk.do("preset.save", name))) return;
    $("preset-name").value = "";
    $("preset-name").blur();
    this.desk.say(`saved as ${name}`);
  }

  // Only while editing does a preset have a cross: nobody deletes by a slip, and nothing asks back.
  edit(editing = $("presets").dataset.editing !== "true") {
    $("presets").dataset.editing = editing;
    $("preset-edit").setAttribute("aria-pressed", String(editing));
  }

  take(names) {
    $("preset-list").replaceChildren(...names.map((name) => make("li", {},
      button({ class: "recall", text: name, data: { preset: name }, "aria-label": `recall ${name}`, on: { click: () => this.recall(name) } }),
      button({ class: "delete", text: "×", "aria-label": `delete ${name}`, on: { click: () => this.desk.do("preset.delete", name) } }))));
    $("no-presets").hidden = names.length > 0;
    if (names.length === 0) this.edit(false);
  }

  recall(name) {
    const fade = read($("preset-fade").value);
    this.desk.do("preset.recall", name, Number.isNaN(fade) ? 0 : fade);
  }
}
