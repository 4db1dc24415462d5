// Where the time goes, stage by stage, and what had to be begun anew.

import { $, make, write } from "./make.js";

const SCALES_MS = [25, 50, 100, 200, 400, 1000, 3000]; // full lengths of the bars: few, so that they keep still

export class System {
  constructor() {
    this.stages = new Map();
  }

  take({ stages_ms: stages = {}, delay_ms: delay, restarts = {}, source = {}, dropped, memory_mb: memory, gpu }) {
    const all = Object.entries(stages).filter(([, one]) => one);
    const most = Math.max(...all.map(([, { p95, p50 }]) => p95 ?? p50 ?? 0), 1);
    const scale = SCALES_MS.find((one) => one >= most) ?? most;
    write($("stages-scale"), `0 to ${scale} ms, median and p95`);
    for (const [name, one] of all) this.show(name, one, scale);
    for (const [name, row] of this.stages) if (!(name in stages)) row.remove(), this.stages.delete(name);
    const facts = {
      "delay, p95": typeof delay?.p95 === "number" ? `${delay.p95.toFixed(0)} ms` : null,
      dropped,
      memory: typeof memory === "number" ? `${memory.toFixed(0)} MB` : null,
      ...flat("GPU", gpu), ...flat("source", source), ...flat("restarts", restarts),
    };
    this.tell(Object.entries(facts).filter(([, value]) => value !== null && value !== undefined && value !== ""));
  }

  show(name, { p50 = 0, p95 = 0 }, scale) {
    if (!this.stages.has(name)) {
      const row = make("div", { class: "stage" }, make("span", { class: "name", text: name }),
        make("span", { class: "bar" }, make("i"), make("b")), make("span", { class: "ms" }));
      this.stages.set(name, row);
      $("stages").append(row);
    }
    const row = this.stages.get(name);
    row.style.setProperty("--p50", Math.min((p50 ?? 0) / scale, 1));
    row.style.setProperty("--p95", Math.min((p95 ?? 0) / scale, 1));
    write(row.querySelector(".ms"), `${(p50 ?? 0).toFixed(1)} · ${(p95 ?? 0).toFixed(1)}`);
  }

  tell(facts) {
    const names = facts.map(([name]) => name).join();
    if (names !== this.names) {
      $("facts").replaceChildren(...facts.map(([name]) => make("div", {}, make("dt", { text: name }), make("dd"))));
      this.names = names;
    }
    facts.forEach(([, value], at) => write($("facts").children[at].lastChild, String(value)));
  }
}

// "source": {"name": "webcam", "fps": 30} as "source name", "source fps".
function flat(name, about) {
  if (about === null || typeof about !== "object") return { [name]: shown(about) };
  if (Object.keys(about).length === 0) return { [name]: "none" };
  return Object.fromEntries(Object.entries(about).map(([one, value]) => [`${name}: ${one.replaceAll("_", " ")}`, shown(value)]));
}

function shown(value) {
  if (typeof value === "number" && !Number.isInteger(value)) return value.toFixed(1);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.join(" × ");
  return value !== null && typeof value === "object" ? JSON.stringify(value) : value;
}
