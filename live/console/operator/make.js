// Small helpers for building the page.

export const $ = (id) => document.getElementById(id);

// An element: `about` holds attributes, and `text`, `on` (listeners) and `data` beside them.
export function make(kind, about = {}, ...children) {
  const { text, on = {}, data = {}, ...attributes } = about;
  const made = document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  for (const [name, value] of Object.entries(data)) made.dataset[name] = value;
  for (const [name, act] of Object.entries(on)) made.addEventListener(name, act);
  if (text !== undefined) made.textContent = text;
  made.append(...children.filter((one) => one !== null));
  return made;
}

export const button = (about, ...children) => make("button", { type: "button", ...about }, ...children);

// Only what differs is written: nothing is laid out anew for the same words.
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const keyCap = (key) => (key ? make("kbd", { text: KEY_SIGNS[key] ?? key, "aria-hidden": "true" }) : null);

const KEY_SIGNS = { Escape: "Esc", Backspace: "⌫", Enter: "⏎", "Shift+R": "⇧R" };
