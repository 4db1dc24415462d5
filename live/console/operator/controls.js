// A control for each entry of the table, by its kind.

import { fader } from "./fader.js";
import { button, keyCap, make, write } from "./make.js";
import { label, read } from "./words.js";

// The groups that stand elsewhere on the page, in a form of their own.
const ELSEWHERE = ["safety", "cues", "tempo", "recording", "readings", "MIDI"];
// Pointing at a person in the picture, and the consent, have forms of their own, too.
const BY_HAND = ["person.follow"];

export function setUpControls(desk, place) {
  const groups = new Map();
  for (const one of desk.parameters.values()) {
    if (ELSEWHERE.includes(one.group) || BY_HAND.includes(one.name)) continue;
    groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
  }
  for (const [group, members] of groups) place.append(section(desk, group, members));
}

function section(desk, group, members) {
  const controls = members.map((one) => control(desk, one)).filter((one) => one !== null);
  return make("section", { class: "group", data: { group }, "aria-label": group },
    make("h2", { text: group }), make("div", { class: "rows" }, ...controls));
}

export function control(desk, parameter) {
  const makers = { number: fader, switch: toggle, choice, colour, action };
  return makers[parameter.kind]?.(desk, parameter) ?? null;
}

export function toggle(desk, { name, help, key }, words = label(name)) {
  const made = button({
    class: "switch", role: "switch", data: { name }, "aria-label": `${name}: ${help}`,
    on: { click: () => desk.toggle(name) },
  }, make("span", { class: "lamp" }), make("span", { class: "name", text: words }), keyCap(key));
  desk.watch(name, (value) => made.setAttribute("aria-checked", String(value === true)));
  return made;
}

export function choice(desk, { name, help, key }, words = label(name)) {
  const options = make("div", { class: "options" });
  const made = make("div", { class: "choice", role: "radiogroup", data: { name }, "aria-label": `${name}: ${help}` },
    make("span", { class: "name", text: words }, keyCap(key)), options);
  let shown = null;
  desk.watch(name, (value) => {
    const offered = desk.choices(name);
    const all = JSON.stringify(offered);
    if (all !== shown) options.replaceChildren(...offered.map((one) => option(desk, name, one)));
    if (offered.length === 0) options.replaceChildren(make("span", { class: "none", text: "there is none" }));
    shown = all;
    for (const one of options.children) one.setAttribute("aria-checked", String(one.dataset.value === value));
  });
  return made;
}

function option(desk, name, value) {
  return button({
    role: "radio", text: value, data: { value }, on: { click: () => desk.setNow({ [name]: value }) },
  });
}

function colour(desk, { name, help }) {
  const pick = make("input", { type: "color", "aria-label": `${name}: ${help}` });
  const entry = make("input", { class: "entry", type: "text", spellcheck: "false", autocomplete: "off", "aria-label": `${name}, #rrggbb` });
  const made = make("div", { class: "colour", data: { name } },
    make("span", { class: "name", text: label(name) }), pick, entry);
  pick.addEventListener("input", () => desk.set({ [name]: pick.value }));
  entry.addEventListener("focus", () => entry.select());
  const typed = () => {
    if (entry.value !== desk.values[name]) desk.setNow({ [name]: entry.value.trim() }).then(() => { entry.value = desk.values[name]; });
  };
  entry.addEventListener("blur", typed);
  entry.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") entry.value = desk.values[name];
    if (key === "Enter" || key === "Escape") entry.blur();
  });
  desk.watch(name, (value) => {
    pick.value = value;
    if (document.activeElement !== entry) entry.value = value;
  });
  return made;
}

export function action(desk, parameter, words = label(parameter.name)) {
  const { name, help, key, can, takes } = parameter;
  if (can === false) return null;
  const press = button({ class: "press", "aria-label": `${name}: ${help}`, on: { click: () => desk.do(name, ...given()) } },
    make("span", { class: "name", text: words }), keyCap(key));
  const fields = takes.map((one) => make("input", {
    class: "entry", type: "text", inputmode: one.startsWith("text:") ? "text" : "decimal", autocomplete: "off",
    placeholder: one.replace("text:", ""), "aria-label": `${name}, ${one.replace("text:", "")}`,
  }));
  // What is left empty at the end is left out: the action knows what is usual.
  function given() {
    const typed = fields.map((one) => one.value.trim());
    while (typed.at(-1) === "") typed.pop();
    return typed.map((text, at) => (takes[at].startsWith("text:") || Number.isNaN(read(text)) ? text : read(text)));
  }
  for (const field of fields) {
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      field.blur();
      press.click();
    });
  }
  return make("div", { class: "action", data: { name } }, press, ...fields);
}

export function setUpSafety(desk, place) {
  const { parameters } = desk;
  const { panic, freeze, resume, master } = Object.fromEntries(parameters);
  place.querySelector(".panic").append(panicButton(desk, panic));
  place.querySelector(".freeze").append(toggle(desk, freeze));
  place.querySelector(".resume").append(action(desk, resume));
  place.querySelector(".master").append(fader(desk, master));
}

const AGAIN_MS = 700;

// Pressed twice in fright it must stay on: so soon it is not turned off again.
function panicButton(desk, { name, help, key }) {
  const words = make("span", { class: "name" });
  const made = button({ role: "switch", data: { name }, "aria-label": `${name}: ${help}` }, words, keyCap(key));
  let onMs = -Infinity;
  made.addEventListener("click", () => {
    const on = desk.values.panic === true;
    if (on && performance.now() - onMs < AGAIN_MS) return;
    if (!on) onMs = performance.now();
    desk.setNow({ panic: !on });
  });
  desk.watch(name, (value) => {
    made.setAttribute("aria-checked", String(value === true));
    document.body.classList.toggle("panicking", value === true);
    write(words, value ? "PANIC ON" : "PANIC");
  });
  return made;
}
