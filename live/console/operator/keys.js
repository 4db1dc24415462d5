// The keyboard: the keys of the table, and a list of them all.

import { $, keyCap, make } from "./make.js";
import { range } from "./words.js";

const WITHOUT_LETTER = { " ": "Space" };
const OUR_OWN = [
  ["?", "these keys"],
  ["1 2 3", "cues, controls, system: on a small screen"],
  ["Tab", "to the next control; ⏎ presses it, arrows move a fader, Shift finer"],
];

// "f", "Shift+R", "Escape", "Space": as the table writes them.
export function keyName({ key, shiftKey }) {
  if (/^\p{L}$/u.test(key)) return shiftKey ? `Shift+${key.toUpperCase()}` : key.toLowerCase();
  return WITHOUT_LETTER[key] ?? key;
}

const types = (element) => element.matches("input:not([type=range], [type=color]), textarea, select");

export function setUpKeys(desk, tabs) {
  const acts = new Map([...desk.parameters.values()].filter(({ key, can }) => key && can !== false).map((one) => [one.key, one]));
  fillList(acts);
  fillAddresses(desk.parameters.values());
  $("show-keys").addEventListener("click", () => showKeys());
  $("hide-keys").addEventListener("click", () => showKeys(false));
  document.addEventListener("keydown", (event) => onKey(event, acts, desk, tabs));
  letGoAfterClicks();
}

function onKey(event, acts, desk, tabs) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.body.dataset.state !== "live") return;
  const name = keyName(event);
  const focused = document.activeElement ?? document.body;
  const parameter = acts.get(name);
  if (name !== "Escape" && types(focused)) return;
  // Enter presses what was reached by Tab. The space bar never does: it is always the cue's.
  if (name === "Enter" && focused.matches("button:focus-visible, [type=color]:focus-visible")) return;
  if (name === "Escape") showKeys(false);
  if (parameter) {
    event.preventDefault();
    if (!event.repeat) act(desk, parameter);
  } else if (name === "?") showKeys();
  else tabs(name);
}

function act(desk, { name, kind }) {
  if (name === "panic") desk.setNow({ panic: true }); // in fright a key is hit twice: it stays on
  else if (kind === "switch") desk.toggle(name);
  else if (kind === "choice") desk.next(name);
  else if (kind === "action") desk.do(name);
  else document.querySelector(`[data-name="${name}"] input`)?.focus();
}

// A button that was clicked does not keep the keyboard: the next key is the show's.
function letGoAfterClicks() {
  document.addEventListener("keyup", (event) => {
    // Browsers click on the release of the space bar.
    if (event.key === " " && document.activeElement?.matches("button, [type=color]")) event.preventDefault();
  });
  document.addEventListener("click", ({ detail, target }) => {
    if (detail > 0) target.closest("button")?.blur();
  });
}

function showKeys(shown = $("keys").hidden) {
  $("keys").hidden = !shown;
  $("show-keys").setAttribute("aria-expanded", String(shown));
}

function fillList(acts) {
  const row = (key, words, name = "") => make("div", {}, make("dt", {}, keyCap(key)), make("dd", {}, make("b", { text: name }), words));
  $("key-list").replaceChildren(
    ...[...acts.values()].map(({ key, help, name }) => row(key, help, name)),
    ...OUR_OWN.map(([key, words]) => row(key, words)),
  );
}

// What other desks call everything, as docs/osc.md has it.
function fillAddresses(parameters) {
  const reach = (one) => (one.kind === "number" ? ` (${range(one)})` : "");
  $("address-list").replaceChildren(...[...parameters].map((one) => (
    make("div", {}, make("dt", { text: one.address }), make("dd", { text: one.help + reach(one) }))
  )));
}
