// The three pictures on the page, and hands on them: follow a person, move and size the figure.

import { gestures } from "./gestures.js";
import { $, write } from "./make.js";

// Of each view that takes hands: what a drag moves and a wheel sizes.
const MOVED = { output: "figure", label: "normalize" };
const RING_MS = 900;

export class Views {
  constructor(desk) {
    this.desk = desk;
    for (const [view, group] of Object.entries(MOVED)) this.movable(view, group);
    const canFollow = desk.parameters.get("person.follow")?.can !== false;
    $("source").closest("figure").classList.toggle("cannot", !canFollow);
    if (canFollow) $("source").addEventListener("click", (event) => this.follow(event));
  }

  draw(view, bitmap) {
    const canvas = $(view);
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    canvas.closest("figure").classList.add("seen");
  }

  unsee() {
    for (const figure of document.querySelectorAll("figure.seen")) figure.classList.remove("seen");
  }

  // How wide the pictures are worth having: as the widest is seen, and not finer than a preview.
  width() {
    const seen = Math.max(...["source", "label", "output"].map((view) => shownAt($(view)).width));
    return seen * Math.min(devicePixelRatio, 2) > 560 ? 640 : 480;
  }

  movable(view, group) {
    const { desk } = this;
    const [x, y, scale] = ["x", "y", "scale"].map((one) => `${group}.${one}`);
    const canvas = $(view);
    let start = null;
    const within = (name, value) => {
      const { low, high } = desk.parameters.get(name);
      return Math.min(Math.max(value, low), high);
    };
    gestures(canvas, {
      begin: () => { start = { x: desk.latest(x), y: desk.latest(y), scale: desk.latest(scale) }; },
      move: (right, down, times) => {
        const { height } = shownAt(canvas); // what is moved is told in stage heights
        const values = { [x]: within(x, start.x + right / height), [y]: within(y, start.y + down / height) };
        if (times !== 1) values[scale] = within(scale, start.scale * times);
        desk.set(values);
      },
      zoom: (times) => desk.set({ [scale]: within(scale, desk.latest(scale) * times) }),
      home: () => desk.setNow(Object.fromEntries([x, y, scale].map((name) => [name, desk.parameters.get(name).default]))),
    });
    const tell = () => {
      const [right, down, size] = [x, y, scale].map((name) => desk.gliding[name] ?? desk.values[name]);
      if (typeof size === "number") write($(`${view}-at`), `x ${right.toFixed(2)}  y ${down.toFixed(2)}  × ${size.toFixed(2)}`);
    };
    for (const name of [x, y, scale]) desk.watch(name, tell);
  }

  follow({ offsetX, offsetY }) {
    const canvas = $("source");
    const { left, top, width, height } = shownAt(canvas);
    const [x, y] = [(offsetX - left) / width, (offsetY - top) / height];
    if (!(x >= 0 && x <= 1 && y >= 0 && y <= 1)) return;
    if (!canvas.closest("figure").classList.contains("seen")) return;
    this.ring(offsetX, offsetY);
    this.desk.do("person.follow", Number(x.toFixed(4)), Number(y.toFixed(4)));
  }

  ring(x, y) {
    const ring = $("ring");
    ring.style.translate = `${x}px ${y}px`;
    ring.getAnimations().forEach((one) => one.cancel());
    ring.animate([{ opacity: 1, scale: 0.4 }, { opacity: 0, scale: 1.4 }], { duration: RING_MS, easing: "ease-out" });
  }
}

// Where the picture stands within its canvas's box, which keeps the picture's shape: CSS pixels.
export function shownAt(canvas) {
  const [boxWidth, boxHeight] = [canvas.clientWidth, canvas.clientHeight];
  const fit = Math.min(boxWidth / canvas.width, boxHeight / canvas.height) || 1;
  const [width, height] = [canvas.width * fit, canvas.height * fit];
  return { left: (boxWidth - width) / 2, top: (boxHeight - height) / 2, width, height };
}
