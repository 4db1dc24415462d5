// Binding a control of the MIDI desk: press learn, click on a control here, move one there.

import { button, make } from "./make.js";

const WAIT_S = 20; // for the click; whoever thinks longer presses learn again
const ASKS = {
  "midi.learn": "click on what a MIDI control is to move; panic and go, too",
  "midi.forget": "click on what no MIDI control is to move any more",
};

export class Midi {
  constructor(desk, place) {
    this.desk = desk;
    this.mode = null; // which of the two waits for a click
    const modes = Object.keys(ASKS).map((name) => desk.parameters.get(name)).filter((one) => one && one.can !== false);
    if (modes.length === 0) return;
    this.buttons = modes.map(({ name, help }) => button({
      text: name.split(".")[1], "aria-label": `${name}: ${help}`, "aria-pressed": "false", data: { name },
      on: { click: () => this.start(this.mode === name ? null : name) },
    }));
    place.append(make("section", { class: "group", data: { group: "MIDI" }, "aria-label": "MIDI" },
      make("h2", { text: "MIDI" }), make("div", { class: "rows" }, ...this.buttons)));
    for (const kind of ["pointerdown", "pointerup", "click"]) {
      document.addEventListener(kind, (event) => this.catch(event), { capture: true });
    }
  }

  start(name) {
    this.mode = name;
    document.body.classList.toggle("binding", name !== null);
    for (const one of this.buttons) one.setAttribute("aria-pressed", String(one.dataset.name === name));
    clearTimeout(this.timer);
    if (name === null) return;
    this.timer = setTimeout(() => this.start(null), WAIT_S * 1000);
    this.desk.say(ASKS[name]);
  }

  // What is clicked now is named, and does nothing else; the click after it is an order again.
  catch(event) {
    const target = event.target.closest("[data-name]");
    if (this.mode === null || target === null || this.buttons.includes(target)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.type === "click") this.choose(target.dataset.name, valueOf(event.target));
  }

  async choose(name, value) {
    const mode = this.mode;
    this.start(null);
    const given = mode === "midi.learn" && value !== undefined ? [name, value] : [name];
    if (!(await this.desk.do(mode, ...given))) return;
    this.desk.say(mode === "midi.learn" ? `${name}: move the MIDI control now` : `no MIDI control moves ${name} any more`);
  }
}

// What a pad sets there: the choice, the cue or the preset that was clicked.
function valueOf(element) {
  const { value, number, preset } = element.closest("[data-value], [data-number], [data-preset]")?.dataset ?? {};
  return value ?? preset ?? (number === undefined ? undefined : Number(number));
}
