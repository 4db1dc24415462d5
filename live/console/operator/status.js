// The top line: how the show is, at a glance.

import { $, make, write } from "./make.js";
import { clock, duration } from "./words.js";

const FULL_SCALE = 3; // of the novelty meter
const WELL_KNOWN = 1;
const BEYOND = 2;

const whole = (value, unit = "") => (typeof value === "number" ? `${value.toFixed(0)}${unit}` : "–");

export class Status {
  constructor() {
    this.health = "";
    this.showed = {}; // what a clock goes by: {since, seconds}
    $("health").addEventListener("click", () => this.open());
    $("health-list").addEventListener("click", () => this.open(false));
    setInterval(() => this.tick(), 500);
    this.tick();
  }

  take(telemetry) {
    const { fps, delay_ms: delay, viewers, cpu_percent: cpu, gpu, novelty, rung, health, recording } = telemetry;
    write($("fps"), whole(fps));
    write($("delay"), whole(delay?.p50));
    write($("viewers"), whole(viewers));
    write($("cpu"), whole(cpu));
    $("gpu-cell").hidden = typeof gpu?.percent !== "number";
    write($("gpu"), whole(gpu?.percent));
    write($("rung"), rung || "–");
    $("rung").dataset.rung = rung || "";
    this.showNovelty(novelty);
    this.showHealth(health ?? []);
    this.showRecording(recording, telemetry.recording_s);
    this.count("uptime", telemetry.uptime_s);
    $("uptime-cell").hidden = !("uptime" in this.showed);
  }

  showNovelty(novelty) {
    const known = typeof novelty === "number";
    const zone = !known ? "none" : novelty <= WELL_KNOWN ? "good" : novelty <= BEYOND ? "careful" : "bad";
    $("novelty").dataset.light = zone;
    $("novelty").style.setProperty("--at", known ? Math.min(novelty / FULL_SCALE, 1) : 0);
    $("novelty-meter").setAttribute("aria-valuenow", known ? novelty.toFixed(2) : "0");
    write($("novelty-figure"), known ? novelty.toFixed(1) : "–");
    write($("novelty-words"), { none: "no pose", good: "well known", careful: "at its limits", bad: "beyond its limits" }[zone]);
  }

  // The worst comes first.
  showHealth(health) {
    const all = JSON.stringify(health);
    if (all === this.health) return;
    this.health = all;
    const worst = health[0] ?? { light: "good", what: "", remedy: "" };
    const well = worst.light === "good";
    $("health").dataset.light = worst.light;
    write($("health-what"), well ? "all is well" : worst.what);
    write($("health-remedy"), well ? "" : worst.remedy);
    $("health-list").replaceChildren(...health.map(({ light, what, remedy }) => make("li", { data: { light } },
      make("span", { class: "light", "aria-label": light }),
      make("div", {}, make("b", { text: what }), remedy ? make("p", { text: remedy }) : null))));
  }

  open(shown = $("health-list").hidden) {
    $("health-list").hidden = !shown;
    $("health").setAttribute("aria-expanded", String(shown));
  }

  // Since when, where the show tells, or this page saw it begin; else only that it runs.
  showRecording(recording, seconds) {
    const on = Boolean(recording);
    $("recording").classList.toggle("on", on);
    if (!on) delete this.showed.recording;
    else if (typeof seconds === "number") this.count("recording", seconds);
    else if (this.records === false) this.count("recording", 0);
    this.records = on;
    this.tick();
  }

  // Another show may answer now.
  greet() {
    this.showed = {};
    delete this.records;
  }

  // From now on, this many seconds and more.
  count(what, seconds) {
    if (typeof seconds === "number") this.showed[what] = performance.now() - seconds * 1000;
  }

  tick() {
    const since = (what) => (performance.now() - this.showed[what]) / 1000;
    write($("clock"), clock(new Date()));
    write($("uptime"), "uptime" in this.showed ? duration(since("uptime")) : "–");
    write($("recording-time"), "recording" in this.showed ? duration(since("recording"), true) : this.records ? "on" : "off");
  }
}
