// How names and figures are written.

// Where the last part of a name says too little to stand on a button.
const LABELS = {
  "person.any": "follow anybody",
  "person.follow": "follow the one at",
  "normalize.calibrate": "calibrate",
  "normalize.forget": "forget",
  "normalize.refine": "refine",
  "cues.reload": "reload",
  "tempo.lead": "lead",
  "subject.fade": "cross-fade",
  "background.colour": "colour",
  "background.picture": "picture",
  "background": "background",
  "subject": "who dances",
  "face": "face follows",
  "on": "cues go",
  "reset": "find anew",
};

export const label = (name) => LABELS[name] ?? name.split(".").at(-1);

// Without an exponent, and always as wide: figures that change must not shake.
export function figure(value, { unit = "", low = 0, high = 1 }) {
  if (typeof value !== "number") return "";
  if (unit === "ms") return value.toFixed(0);
  return value.toFixed(unit === "bpm" || high - low > 20 ? 1 : 2);
}

// A number as people type it, with a point or a comma; NaN where it is none.
export function read(text) {
  const plain = text.trim().replace(",", ".").replace("−", "-");
  return plain === "" ? NaN : Number(plain);
}

export const range = ({ low, high, unit }) => `${low} to ${high}${unit ? ` ${unit}` : ""}`;

const two = (number) => String(Math.floor(number)).padStart(2, "0");

// "1:02:09", and "2:09" below an hour where `short`.
export function duration(seconds, short = false) {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = `${two(minutes)}:${two(seconds % 60)}`;
  return short && hours === 0 ? rest : `${hours}:${rest}`;
}

export function clock(date) {
  return Number.isNaN(date.getTime()) ? "--:--:--"
    : `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
