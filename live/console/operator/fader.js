// A number: a bar to drag, which picks up where it stands and never jumps, and a field to type in.

import { twice } from "./gestures.js";
import { keyCap, make } from "./make.js";
import { figure, label, range, read } from "./words.js";

const STEP = 0.01; // of the bar's length, for one arrow key
const FINE = 0.1; // with Shift
const STEPS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 };

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// Where a value stands on the bar, 0 to 1. Sizes and tempi are ratios: half and double are as far.
class Scale {
  constructor({ low, high, default: home }) {
    Object.assign(this, { low, high });
    this.ratio = low > 0 && high / low >= 4;
    this.origin = this.ratio || low < 0 ? this.share(home) : 0; // from where the bar is filled
  }

  share(value) {
    const { low, high } = this;
    const share = this.ratio ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    return clamp(share, 0, 1);
  }

  value(share) {
    const { low, high } = this;
    const at = clamp(share, 0, 1);
    return clamp(this.ratio ? low * (high / low) ** at : low + (high - low) * at, low, high);
  }
}

export function fader(desk, parameter, words = label(parameter.name)) {
  return new Fader(desk, parameter, words).root;
}

class Fader {
  constructor(desk, parameter, words) {
    Object.assign(this, { desk, parameter, name: parameter.name, scale: new Scale(parameter) });
    this.held = false;
    this.build(words);
    this.listen();
    desk.watch(this.name, () => this.follow());
  }

  build(words) {
    const { name, low, high, unit, help, key, default: home } = this.parameter;
    this.range = make("input", {
      type: "range", min: low, max: high, step: "any", value: home, "aria-label": `${name}: ${help}`,
    });
    this.bar = make("div", { class: "bar" },
      make("span", { class: "fill" }), make("span", { class: "home" }), make("span", { class: "goal" }),
      make("span", { class: "at" }), make("span", { class: "name", text: words }),
      unit ? make("small", { text: unit }) : null, keyCap(key), this.range);
    this.entry = make("input", {
      class: "entry", type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false",
      "aria-label": `${name}, ${range(this.parameter)}`,
    });
    this.root = make("div", { class: "fader", data: { name } }, this.bar, this.entry);
    this.bar.style.setProperty("--home", this.scale.share(home));
  }

  // What the show has; not while a hand is on it.
  follow() {
    const glides = this.name in this.desk.gliding;
    this.root.classList.toggle("gliding", glides);
    if (glides) this.bar.style.setProperty("--goal", this.scale.share(this.desk.values[this.name]));
    if (!this.held) this.show(this.desk.gliding[this.name] ?? this.desk.values[this.name]);
  }

  show(value) {
    if (typeof value !== "number") return;
    this.value = value;
    const share = this.scale.share(value);
    const style = this.bar.style;
    style.setProperty("--at", share);
    style.setProperty("--from", Math.min(share, this.scale.origin));
    style.setProperty("--to", Math.max(share, this.scale.origin));
    this.range.value = value;
    this.range.setAttribute("aria-valuetext", figure(value, this.parameter));
    if (document.activeElement !== this.entry) this.entry.value = figure(value, this.parameter);
  }

  set(value) {
    this.show(value);
    this.desk.set({ [this.name]: value });
  }

  home() {
    this.set(this.parameter.default);
  }

  listen() {
    this.listenToDrags();
    twice(this.bar, () => this.home());
    this.range.addEventListener("input", () => this.set(this.range.valueAsNumber));
    this.range.addEventListener("keydown", (event) => this.onRangeKey(event));
    this.entry.addEventListener("focus", () => this.entry.select());
    this.entry.addEventListener("blur", () => this.typed());
    this.entry.addEventListener("dblclick", () => { this.entry.blur(); this.home(); });
    this.entry.addEventListener("keydown", (event) => this.onEntryKey(event));
  }

  listenToDrags() {
    const { bar } = this;
    let last = 0;
    let share = 0;
    bar.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      [last, share, this.held] = [event.clientX, this.scale.share(this.value), true];
      bar.setPointerCapture(event.pointerId);
    });
    bar.addEventListener("pointermove", (event) => {
      if (!this.held || event.clientX === last) return;
      share = clamp(share + ((event.clientX - last) / bar.clientWidth) * (event.shiftKey ? FINE : 1), 0, 1);
      last = event.clientX;
      this.set(this.scale.value(share));
    });
    for (const end of ["pointerup", "pointercancel"]) {
      bar.addEventListener(end, () => {
        this.held = false;
        if (!this.desk.ahead(this.name)) this.follow();
      });
    }
  }

  onRangeKey(event) {
    const ends = { Home: 0, End: 1 };
    const fine = event.shiftKey ? FINE : 1;
    const share = ends[event.key] ?? this.scale.share(this.value) + (STEPS[event.key] ?? NaN) * STEP * fine;
    if (Number.isNaN(share) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.set(this.scale.value(share));
  }

  onEntryKey(event) {
    if (event.key === "Enter") this.entry.blur();
    if (event.key === "Escape") {
      this.entry.value = figure(this.value, this.parameter);
      this.entry.blur();
    }
  }

  typed() {
    const text = this.entry.value;
    this.entry.value = figure(this.value, this.parameter);
    if (text === this.entry.value) return;
    const value = read(text);
    if (Number.isNaN(value)) this.desk.say(`${this.name}: "${text}" is no number; give ${range(this.parameter)}`, "bad");
    else this.desk.setNow({ [this.name]: value }); // out of range: the show says so
  }
}
