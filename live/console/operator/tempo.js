// Tapping the tempo, a light on the beat, and when cues go.

import { choice } from "./controls.js";
import { fader } from "./fader.js";
import { $ } from "./make.js";

const BEATS = 4; // in a bar
const LIT = 0.35; // of a beat
const PAUSE_MS = 2000; // after which a tap begins anew, with a bar's first beat; as the show counts
const ODD = 1.4; // an interval that differs by so much begins anew, too

export class Tempo {
  constructor(desk) {
    this.desk = desk;
    this.firstMs = performance.now(); // of a bar
    this.timer = 0;
    const at = (name) => desk.parameters.get(name);
    [this.taps, this.tappedMs, this.beatMs] = [0, -Infinity, 500];
    desk.watch("tempo", (bpm) => this.pace(bpm));
    // On the way down: a click would be late by as long as the finger rests.
    $("tap").addEventListener("pointerdown", () => this.tap());
    $("tap").addEventListener("click", ({ detail }) => { if (detail === 0) this.tap(); });
    $("tempo-rows").append(fader(desk, at("tempo")), choice(desk, at("on")), fader(desk, at("tempo.lead")));
    this.draw();
  }

  tap() {
    this.desk.do("tap");
  }

  // Another tempo, from where in the bar we are.
  pace(bpm) {
    const beats = (performance.now() - this.firstMs) / this.beatMs;
    this.beatMs = 60_000 / (bpm || 120);
    this.follow(beats);
  }

  // Somebody tapped, here or on another desk: that was a beat.
  tapped() {
    const atMs = performance.now();
    const apartMs = atMs - this.tappedMs;
    const times = apartMs / this.beatMs;
    const goesOn = apartMs < PAUSE_MS && (this.taps < 2 || (times < ODD && times > 1 / ODD));
    this.taps = goesOn ? this.taps + 1 : 1;
    this.tappedMs = atMs;
    this.follow(this.taps - 1);
  }

  // Where in the bar the show is: beats since a first one, such as 2.5.
  follow(beats) {
    if (typeof beats !== "number") return;
    this.firstMs = performance.now() - beats * this.beatMs;
    this.draw();
  }

  // Woken twice a beat: to light up, and to go out.
  draw() {
    clearTimeout(this.timer);
    const beats = (performance.now() - this.firstMs) / this.beatMs;
    const [beat, within] = [Math.floor(beats), beats - Math.floor(beats)];
    const on = ((beat % BEATS) + BEATS) % BEATS;
    const lit = within < LIT;
    [...$("beats").children].forEach((one, at) => one.classList.toggle("lit", lit && at === on));
    $("tap").classList.toggle("lit", lit);
    this.timer = setTimeout(() => this.draw(), ((lit ? LIT : 1) - within) * this.beatMs + 1);
  }
}
