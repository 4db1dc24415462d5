// The viewer's page: plays the show by WHEP, comes back by itself, says in words what is wrong.

const RETRY_S = [0, 0.3, 1.2, 2.7, 4.8, 7];
const FROZEN_S = 2; // a stream without a new picture for this long is taken up anew
const CONNECT_S = 6; // from the answer to the first picture
const IDLE_S = 3; // until pointer, buttons and caption fade

const $ = (id) => document.getElementById(id);
const video = $("picture");
const wait = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

// ---- what is said -------------------------------------------------------------------------

function say(state, words, more = "") {
  document.body.dataset.state = state;
  $("words").textContent = words;
  $("more").textContent = more;
}

class Trouble extends Error {
  constructor(words, more = "", final = false) {
    super(words);
    this.more = more;
    this.final = final; // trying again will not help
  }
}

const NOT_RUNNING = () =>
  new Trouble("The show is not running", "This page begins by itself as soon as it does.");

const REFUSALS = {
  406: () => new Trouble("This browser cannot play the show",
    "It has neither H.264 nor VP8. Try a current Firefox, Chrome, Edge or Safari.", true),
  410: () => new Trouble("The show has ended", "This page begins by itself when the next one does."),
  503: () => new Trouble("Every place is taken", "You are let in as soon as one is free."),
};

// ---- one connection -----------------------------------------------------------------------

class Session {
  constructor() {
    this.peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.ended = new Promise((done) => { this.end = done; });
    this.location = null;
    this.frames = 0;
  }

  async open() {
    const transceiver = this.peer.addTransceiver("video", { direction: "recvonly" });
    playAtOnce(transceiver.receiver);
    this.peer.ontrack = ({ track, receiver }) => {
      playAtOnce(receiver);
      video.srcObject = new MediaStream([track]);
      video.play().catch(() => {}); // muted, so allowed; a change of mind on the way is no error
    };
    this.peer.onconnectionstatechange = () => {
      if (["failed", "closed"].includes(this.peer.connectionState)) this.end();
    };
    // Not waiting for our own addresses: the answer holds the server's, and we call first.
    await this.peer.setLocalDescription();
    const answer = await this.post(this.peer.localDescription.sdp);
    await this.peer.setRemoteDescription({ type: "answer", sdp: answer });
  }

  async post(sdp) {
    const address = new URL("whep", document.baseURI);
    let response;
    try {
      response = await fetch(address, {
        method: "POST", headers: { "Content-Type": "application/sdp" }, body: sdp,
        signal: AbortSignal.timeout(CONNECT_S * 1000),
      });
    } catch {
      throw NOT_RUNNING();
    }
    const text = await response.text();
    if (response.status === 201) {
      this.location = new URL(response.headers.get("Location"), address);
      return text;
    }
    throw REFUSALS[response.status]?.() ?? new Trouble("The show did not answer", text.trim());
  }

  close() {
    this.end();
    this.peer.close();
    if (this.location) {
      fetch(this.location, { method: "DELETE", keepalive: true }).catch(() => {});
      this.location = null;
    }
  }
}

function playAtOnce(receiver) {
  if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
  if ("playoutDelayHint" in receiver) receiver.playoutDelayHint = 0;
}

// ---- watching over it ---------------------------------------------------------------------

let session = null;
let attempt = 0;
let hurry = () => {}; // ends the pause between two attempts

async function live() {
  if (!("RTCPeerConnection" in window)) {
    say("stopped", "This browser cannot play the show", "It has no WebRTC, or it is turned off.");
    return;
  }
  for (;;) {
    const seconds = RETRY_S[Math.min(attempt, RETRY_S.length - 1)];
    attempt += 1;
    await Promise.race([wait(seconds), new Promise((done) => { hurry = done; })]);
    try {
      await once();
    } catch (trouble) {
      const known = trouble instanceof Trouble;
      say(trouble.final ? "stopped" : "waiting",
        known ? trouble.message : "The picture cannot be played", known ? trouble.more : `${trouble}`);
      if (trouble.final) return;
    }
  }
}

async function once() {
  session = new Session();
  try {
    await session.open();
    await untilFrozen(session);
  } finally {
    session.close();
  }
}

async function untilFrozen(which) {
  const opened = performance.now();
  let latest = null; // when the newest picture came
  for (;;) {
    const over = await Promise.race([wait(0.25).then(() => false), which.ended.then(() => true)]);
    const report = await measure(which);
    const now = performance.now();
    if (report.frames > which.frames) {
      which.frames = report.frames;
      latest = now;
      attempt = 0;
      if (document.body.dataset.state !== "playing") say("playing", "");
    }
    if (over) throw new Trouble("The picture stopped", "Connecting again.");
    if (latest === null && now - opened > CONNECT_S * 1000) throw await noPicture(which);
    if (latest !== null && now - latest > FROZEN_S * 1000) throw await noPicture(which);
  }
}

async function noPicture(which) {
  const status = await ask();
  if (status === null) return NOT_RUNNING();
  if (!which.peer.localDescription?.sdp.includes("a=candidate")) {
    return new Trouble("This device is in no network",
      "Browsers need one to play live video, even of their own machine: join any Wi-Fi.");
  }
  if (which.peer.connectionState !== "connected") {
    return new Trouble("The show is on, but its picture cannot get here",
      "A firewall or this network may be blocking it (UDP).");
  }
  return new Trouble("The show is on, but no picture comes", "Trying again.");
}

async function ask() {
  try {
    const response = await fetch(new URL("status", document.baseURI),
      { signal: AbortSignal.timeout(1500) });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

window.addEventListener("online", () => { attempt = 0; hurry(); });
window.addEventListener("pagehide", () => session?.close());
window.addEventListener("pageshow", (event) => { if (event.persisted) hurry(); });
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") { hurry(); video.play().catch(() => {}); stayAwake(); }
});

// ---- figures ------------------------------------------------------------------------------

let before = null;
let stageMs = null;
let drawnMs = null; // from a packet's arrival to the picture on the screen

async function measure(which) {
  const figures = { frames: which.frames, at: performance.now() };
  for (const one of (await which.peer.getStats()).values()) {
    if (one.type === "inbound-rtp" && one.kind === "video") Object.assign(figures, {
      frames: one.framesDecoded ?? 0, bytes: one.bytesReceived, lost: one.packetsLost,
      waited: one.jitterBufferDelay, emitted: one.jitterBufferEmittedCount,
      decoded: one.totalDecodeTime, codecId: one.codecId,
    });
    if (one.type === "candidate-pair" && one.nominated && one.currentRoundTripTime !== undefined) {
      figures.trip = one.currentRoundTripTime * 1000;
    }
    if (one.type === "codec") figures.codecs = { ...figures.codecs, [one.id]: one.mimeType };
  }
  if (!$("statistics").hidden && (before === null || figures.at - before.at >= 900)) {
    show(figures, before);
    before = figures;
  }
  return figures;
}

function show(now, last) {
  if (last === null || last.frames > now.frames || !now.emitted) return;
  const each = (sum, count) => ((now[sum] - last[sum]) / (now[count] - last[count])) * 1000;
  const seconds = (now.at - last.at) / 1000;
  const [buffer, decode] = [each("waited", "emitted"), each("decoded", "frames")];
  const ms = (value) => (Number.isFinite(value) ? `${value.toFixed(value < 10 ? 1 : 0)} ms` : "–");
  const way = (stageMs ?? 0) + (now.trip ?? 0) / 2 + (drawnMs ?? buffer + decode);
  $("fps").textContent = `${((now.frames - last.frames) / seconds).toFixed(1)} /s`;
  $("size").textContent = `${video.videoWidth} × ${video.videoHeight}`;
  $("delay").textContent = (stageMs === null ? "> " : "") + ms(way);
  $("stage").textContent = ms(stageMs ?? NaN);
  $("trip").textContent = ms(now.trip);
  $("buffer").textContent = ms(buffer);
  $("decode").textContent = ms(decode);
  $("lost").textContent = `${now.lost ?? 0} packets`;
  $("rate").textContent = `${(((now.bytes - last.bytes) * 8) / seconds / 1e6).toFixed(2)} Mbit/s`;
  $("codec").textContent = (now.codecs?.[now.codecId] ?? "–").replace("video/", "");
}

function onPicture(_, picture) {
  const playing = document.body.dataset.state === "playing";
  if (!playing && session?.peer.connectionState === "connected") say("playing", "");
  if (picture.receiveTime !== undefined) {
    const tookMs = picture.expectedDisplayTime - picture.receiveTime;
    drawnMs = drawnMs === null ? tookMs : drawnMs + 0.1 * (tookMs - drawnMs);
  }
  video.requestVideoFrameCallback(onPicture);
}
if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(onPicture);

async function followStage() {
  while (!$("statistics").hidden) {
    const status = await ask();
    stageMs = status?.delay_ms?.p50 ?? null;
    await wait(1);
  }
}

// ---- keys, taps, screen -------------------------------------------------------------------

function toggle(panel, button, shown = $(panel).hidden) {
  $(panel).hidden = !shown;
  $(button).setAttribute("aria-pressed", String(shown));
}

function statistics() {
  toggle("statistics", "show-statistics");
  before = null;
  if (!$("statistics").hidden) followStage();
}

const keys = () => toggle("keys", "show-keys");

function fillScreen() {
  const page = document.documentElement;
  const is = document.fullscreenElement ?? document.webkitFullscreenElement;
  if (is) (document.exitFullscreen ?? document.webkitExitFullscreen).call(document);
  else if (page.requestFullscreen) page.requestFullscreen({ navigationUI: "hide" }).catch(() => {});
  else if (page.webkitRequestFullscreen) page.webkitRequestFullscreen();
  else video.webkitEnterFullscreen?.(); // an iPhone fills its screen with the video alone
}

const KEYS = { f: fillScreen, s: statistics, "?": keys };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === "Escape") {
    toggle("keys", "show-keys", false);
    toggle("statistics", "show-statistics", false);
  }
  KEYS[event.key.toLowerCase()]?.();
});

$("fill-screen").addEventListener("click", fillScreen);
$("show-statistics").addEventListener("click", statistics);
$("show-keys").addEventListener("click", keys);
document.addEventListener("fullscreenchange", () => {
  $("fill-screen").setAttribute("aria-pressed", String(document.fullscreenElement !== null));
});

let tappedMs = -Infinity;
document.addEventListener("click", (event) => {
  if (event.target.closest("button")) return;
  if (event.timeStamp - tappedMs < 350) { tappedMs = -Infinity; fillScreen(); }
  else tappedMs = event.timeStamp;
});

let idle = 0;
function awaken() {
  document.body.classList.remove("idle");
  clearTimeout(idle);
  idle = setTimeout(() => document.body.classList.add("idle"), IDLE_S * 1000);
}
for (const kind of ["pointermove", "pointerdown", "keydown"]) document.addEventListener(kind, awaken);

async function stayAwake() {
  try {
    await navigator.wakeLock?.request("screen");
  } catch { /* low battery, or not a secure page: the screen may sleep */ }
}

awaken();
stayAwake();
live();
