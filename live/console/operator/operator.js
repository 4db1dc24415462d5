// The operator's page: one line to the show, and everything that hangs on it.

import { stayAwake } from "../../static/awake.js";
import { setUpControls, setUpSafety, toggle } from "./controls.js";
import { Cues } from "./cues.js";
import { Desk } from "./desk.js";
import { setUpKeys } from "./keys.js";
import { Link, takeToken } from "./link.js";
import { Log } from "./log.js";
import { $, write } from "./make.js";
import { Midi } from "./midi.js";
import { Pictures } from "./pictures.js";
import { Presets } from "./presets.js";
import { Status } from "./status.js";
import { Subject } from "./subject.js";
import { System } from "./system.js";
import { Tempo } from "./tempo.js";
import { Views } from "./views.js";

const FLASH_MS = 1400;
const SAID_MS = 8000;

const token = takeToken();
const desk = new Desk((message) => link.order(message), say, flash);
const [log, status, system] = [new Log(), new Status(), new System()];
let built = null; // what is made once the table is known

const link = new Link(token, {
  hello: greet,
  changed: (change) => {
    desk.change(change);
    if (change.done === "tap") built?.tempo.tapped();
  },
  telemetry: (telemetry) => {
    desk.glide(telemetry.gliding ?? {});
    status.take(telemetry);
    system.take(telemetry);
    built?.tempo.follow(telemetry.beats);
  },
  event: (event) => log.take(event),
  cues: (cues) => built?.cues.take(cues),
  presets: (presets) => built?.presets.take(presets),
  subject: (subject) => built?.subject.take(subject),
  trouble: (words) => say(words, "bad"),
}, said);

function greet(hello) {
  // The show came back with another table: the page is made anew for it, with the same key.
  if (!desk.greet(hello)) return location.reload();
  built ??= build();
  status.greet();
  built.cues.take(hello.cues ?? {});
  built.presets.take(hello.presets ?? []);
  built.subject.take(hello.subject ?? {});
  log.greet(hello.events ?? []);
  setLinks(hello.links ?? {});
  document.body.dataset.version = hello.version;
}

function build() {
  hideWhatCannot();
  setUpSafety(desk, $("safety"));
  setUpControls(desk, $("groups"));
  new Midi(desk, $("groups"));
  setUpRecording();
  setUpKeys(desk, showTab);
  explain();
  const views = new Views(desk);
  const pictures = new Pictures(token, (view, bitmap) => views.draw(view, bitmap), () => views.width());
  pictures.start();
  return { cues: new Cues(desk), presets: new Presets(desk), subject: new Subject(desk), tempo: new Tempo(desk), views, pictures };
}

// What this show has no hand for is not offered. (A view stays: it is looked at, too.)
function hideWhatCannot() {
  for (const { name, can } of desk.parameters.values()) {
    if (can !== false) continue;
    for (const one of document.querySelectorAll(`[data-name="${CSS.escape(name)}"]:not(figure)`)) one.hidden = true;
  }
}

// The record switch stands in the top line, beside how long it has run.
function setUpRecording() {
  const made = toggle(desk, desk.parameters.get("record"), "rec");
  made.querySelector(".lamp").replaceWith($("recording-dot"));
  made.querySelector(".name").after($("recording-time"));
  $("recording").append(made);
}

function setLinks(links) {
  for (const one of $("links").querySelectorAll("a")) {
    const found = links[one.dataset.link];
    one.hidden = !found;
    if (found) one.href = found;
  }
}

// ---- what is said -------------------------------------------------------------------------

let until = 0;

// One line, always in the same place: nothing moves, and nothing covers the show.
function say(words, level = "info") {
  write($("said"), words);
  $("said").dataset.level = level;
  clearTimeout(until);
  until = setTimeout(() => write($("said"), ""), SAID_MS);
}

// A control that another hand has moved shows whose it was; "" is a refusal.
function flash(name, by) {
  for (const one of document.querySelectorAll(`[data-name="${CSS.escape(name)}"]`)) {
    one.dataset.by = by;
    one.classList.remove("flash", "refused");
    one.getAnimations({ subtree: true }).forEach((running) => running.cancel());
    one.classList.add(by ? "flash" : "refused");
    clearTimeout(Number(one.dataset.timer));
    one.dataset.timer = setTimeout(() => one.classList.remove("flash", "refused"), FLASH_MS);
  }
}

// What the pointer or the keyboard is on is explained in the line below.
function explain() {
  const tell = ({ target }) => {
    const name = target.closest?.("[data-name]")?.dataset.name;
    const found = desk.parameters.get(name);
    write($("explained-name"), found ? found.name : "");
    write($("explained"), found ? found.help : "");
    write($("explained-address"), found ? found.address : "");
  };
  for (const kind of ["pointerover", "focusin", "pointerdown"]) document.addEventListener(kind, tell);
}

function said(state, words) {
  document.body.dataset.state = state;
  const live = state === "live";
  for (const part of ["main", "safety", "top", "consent", "keys"]) $(part).inert = !live;
  $("banner").hidden = live;
  if (live) return built?.pictures.start();
  built?.pictures.stop();
  built?.views.unsee();
  const lost = state === "lost";
  write($("banner-what"), lost ? "connection lost: the show may still run" : "this link does not open the console");
  write($("banner-more"), lost ? words || "nothing here reaches it; this page keeps trying"
    : `${words || "its key is missing or wrong"}. Open the operator's link that the show prints where it was started: it ends in /console# and the key.`);
  $("try-now").hidden = !lost;
}

// ---- small screens show one part at a time ------------------------------------------------

const TABS = ["cues", "controls", "system"];

function showTab(key) {
  const tab = TABS[Number(key) - 1] ?? key;
  if (!TABS.includes(tab)) return;
  document.body.dataset.tab = tab;
  for (const one of $("tabs").children) one.setAttribute("aria-selected", String(one.dataset.tab === tab));
}

for (const one of $("tabs").children) one.addEventListener("click", () => showTab(one.dataset.tab));
$("try-now").addEventListener("click", () => link.hurry());
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && document.body.dataset.state !== "live") say("not connected: panic was not sent", "bad");
});
window.addEventListener("online", () => link.hurry());
window.addEventListener("hashchange", () => location.reload()); // another link was opened here
stayAwake();
link.run();
