// The viewer's page: plays the show, comes back by itself, says in words what is wrong.

import { stayAwake } from "./awake.js";
import { setUpControls } from "./controls.js";
import { Figures, measure } from "./figures.js";
import { Held } from "./held.js";
import { Session, status } from "./session.js";
import { Sound } from "./sound.js";
import * as words from "./words.js";

const RETRY_S = [0, 0.3, 1.2, 2.7, 4.8, 7];
const LOOK_S = 0.25; // between two looks at the stream
const CONNECT_S = 6; // from the offer to the first picture
const FROZEN_S = 1.5; // without a new picture for this long, the show is asked what is wrong
const UNEASY_S = 0.7; // the same, after a hint that the line has changed
const HINT_S = 3; // how long such a hint counts
const STILL_S = 2; // between two questions to a show that stands still

const video = document.getElementById("picture");
const held = new Held(document.getElementById("held"), video);
const sound = new Sound(video, play);
const figures = new Figures(video);
const wait = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
const since = (ms) => (performance.now() - ms) / 1000;

let session = null;
let attempt = 0;
let hurry = () => {}; // ends the pause between two attempts
let hintedMs = -Infinity; // when something hinted that the line has changed
let pictureMs = null; // when this session's newest picture was seen; null before the first
let dismissed = false; // the server said goodbye, and did not just fall silent

// ---- what is seen and said ----------------------------------------------------------------

const state = () => document.body.dataset.state;

function say(name, trouble = null) {
  document.body.dataset.state = name;
  if (trouble === null) return; // the words fade with the notice
  document.getElementById("words").textContent = trouble.message;
  document.getElementById("more").textContent = trouble.more;
}

async function play() {
  try {
    await video.play();
  } catch (error) {
    if (error.name !== "NotAllowedError") return; // a newer stream came meanwhile
    if (video.muted) return say("waiting", words.tap());
    sound.mute(); // heard only after a tap of this visit
    await play();
  }
}

function present(stream) {
  video.srcObject = stream;
  play();
}

function onPicture() {
  if (session?.connected && !video.paused) seen(); // one that may not play shows its first picture
  video.requestVideoFrameCallback(onPicture);
}

function seen() {
  pictureMs = performance.now();
  attempt = 0;
  dismissed = false;
  if (state() === "playing") return;
  say("playing");
  document.body.classList.add("shown");
  held.letGo();
}

// ---- one session after the other ----------------------------------------------------------

async function live() {
  if (!("RTCPeerConnection" in window)) return say("stopped", words.noWebRtc());
  let trouble = { waitS: 0 };
  do {
    await pause(trouble.waitS);
    trouble = await once();
    say(trouble.final ? "stopped" : "waiting", trouble);
  } while (!trouble.final);
}

// Viewers that lost the same server do not all come back in the same instant.
async function pause(least) {
  const spread = 0.8 + 0.4 * Math.random();
  const seconds = Math.max(least, RETRY_S[Math.min(attempt, RETRY_S.length - 1)] * spread);
  attempt += 1;
  await Promise.race([wait(seconds), new Promise((done) => { hurry = done; })]);
}

// Plays until it cannot; returns why.
async function once() {
  pictureMs = null;
  try {
    session = new Session(beUneasy);
    await session.open();
    present(session.stream);
    sound.offer(session.audible);
    await watch(session);
  } catch (error) {
    if (error instanceof words.Trouble) return error.absent && dismissed ? words.ended() : error;
    console.warn(error); // for developers; the viewer gets words
    return words.unknown();
  } finally {
    held.hold(); // before the connection closes
    session?.close();
  }
}

async function watch(which) {
  let sinceMs = which.openedMs; // when to begin to count the time without a picture
  for (;;) {
    await Promise.race([wait(LOOK_S), which.ended]);
    if (which.over) {
      dismissed = which.dismissed;
      throw words.stopped();
    }
    if (await decodes(which)) sinceMs = performance.now();
    if (since(Math.max(sinceMs, pictureMs ?? 0)) > patience()) sinceMs = await look(which);
  }
}

// Whether pictures were decoded since the last call. A hidden page shows none, and is well.
async function decodes(which) {
  const now = await measure(which.peer);
  figures.take(now);
  const more = now.frames > which.decoded;
  which.decoded = now.frames;
  if (more && !video.paused && video.readyState >= video.HAVE_CURRENT_DATA) seen();
  return more;
}

function patience() {
  if (pictureMs === null) return CONNECT_S;
  return since(hintedMs) < HINT_S ? UNEASY_S : FROZEN_S;
}

// No picture comes: throws why, or returns the time from which to count anew.
async function look(which) {
  const before = await status();
  await Promise.race([wait(0.5), which.ended]);
  const after = before && await status();
  if (which.over || await decodes(which)) return performance.now();
  if (after === null) throw words.notRunning();
  if (!which.connected) throw which.addressed ? words.unreachable() : words.noNetwork();
  // A show that stands still has nothing for a new connection either: this one is ready for it.
  if (before.frames === undefined || before.frames !== after.frames) throw words.lost();
  say("waiting", words.still());
  return performance.now() + (STILL_S - patience()) * 1000;
}

// ---- what may have changed the line -------------------------------------------------------

function beUneasy() {
  hintedMs = performance.now();
  if (state() === "playing") return;
  attempt = 0;
  hurry();
}

let line = navigator.connection?.type; // "wifi", "cellular": known on phones alone
navigator.connection?.addEventListener?.("change", () => {
  if (navigator.connection.type !== line) beUneasy();
  line = navigator.connection.type;
});
window.addEventListener("online", beUneasy);
window.addEventListener("hashchange", () => location.reload()); // another link was opened here
window.addEventListener("pagehide", () => {
  attempt = RETRY_S.length; // a page that goes does not ask again
  session?.close();
});
window.addEventListener("pageshow", (event) => { if (event.persisted) beUneasy(); });

// The browser or its system may pause a video on its own; a touch lets it start where it did not.
const playIfPaused = () => { if (video.paused && video.srcObject) play(); };
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return;
  beUneasy();
  playIfPaused();
});
for (const kind of ["pointerup", "keydown"]) document.addEventListener(kind, playIfPaused);
video.addEventListener("pause", playIfPaused);

setUpControls(() => figures.opened(), () => sound.toggle());
if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(onPicture);
say("connecting");
stayAwake();
live();
