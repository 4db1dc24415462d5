// The camera's page: sends this phone's camera by WHIP, comes back by itself, says what is wrong.

const RETRY_S = [0, 0.3, 1.2, 2.7, 4.8, 7];
const CONNECT_S = 6; // from the answer to the first picture that the show has
const ASK_S = 1; // between two questions to the show whether all is well
const MISSES = 2; // of those in a row that may fail: a radio's hiccup must not end the picture
const WANTED = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
const MOST_BITS = 2_500_000; // per second; a still stage takes a tenth of it

const $ = (id) => document.getElementById(id);
const preview = $("preview");
const wait = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
const key = () => location.hash.slice(1);

// ---- what is said -------------------------------------------------------------------------

let onMain = () => {};

function say(state, words, more = "", button = null, act = null) {
  document.body.dataset.state = state;
  $("words").textContent = words;
  $("more").textContent = more;
  $("main").hidden = button === null;
  $("main").textContent = button ?? "";
  $("main").classList.toggle("wanted", state === "stopped");
  $("turn").hidden = stream === null || state === "stopped";
  onMain = act ?? (() => {});
}

class Trouble extends Error {
  constructor(words, more = "", button = null) {
    super(words);
    this.more = more;
    this.button = button; // null: trying again by itself; else what a tap does is begin anew
  }
}

const AGAIN = "Try again";

const WRONG_KEY = () => new Trouble("This link is not valid any more",
  "Its key is wrong. Scan the code that the show gives now.", AGAIN);
const REPLACED = () => new Trouble("Another phone is the camera now",
  "This one sends nothing.", "Be the camera again");
const NO_SHOW = () => Object.assign(hasSent
  ? new Trouble("The show has ended", "This phone goes on by itself when it begins again.")
  : new Trouble("The show is not running", "This phone begins by itself as soon as it does."),
{ unheard: true });

const BROKE = () => new Trouble("The connection broke", "Connecting again.");

const REFUSALS = {
  401: WRONG_KEY,
  406: () => new Trouble("This browser cannot send a picture to the show",
    "It has neither H.264 nor VP8. Try a current Chrome, Safari or Firefox.", AGAIN),
  410: REPLACED,
  429: () => new Trouble("Too many are asking", "Trying again in a moment."),
};

// What getUserMedia says, W3C Media Capture and Streams section 10.
const CAMERA_TROUBLES = {
  NotAllowedError: () => new Trouble("The camera was not allowed",
    "Tap the sign beside the page's address, allow the camera, and try again.", AGAIN),
  NotFoundError: () => new Trouble("This device has no camera", "Open the link on one that has.", AGAIN),
  NotReadableError: () => new Trouble("The camera is in use",
    "Close other programs and pages that use it, and try again.", AGAIN),
};

// ---- the camera ---------------------------------------------------------------------------

let stream = null;
let facing = "environment"; // the rear one; "user" is the front one

async function openCamera() {
  if (!window.isSecureContext) throw new Trouble("This page is not secure",
    "Browsers give the camera to https pages only. Start the show with --tls auto and scan its code.", AGAIN);
  if (!navigator.mediaDevices?.getUserMedia) throw new Trouble("This browser gives no camera",
    "Open the link in the phone's own browser, not inside another app.", AGAIN);
  closeCamera();
  const wanted = { ...WANTED, facingMode: { ideal: facing } };
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
  } catch (error) {
    const name = { AbortError: "NotReadableError", OverconstrainedError: "NotFoundError" }[error.name];
    throw CAMERA_TROUBLES[name ?? error.name]?.() ?? new Trouble("The camera does not start", `${error}`, AGAIN);
  }
  const [track] = stream.getVideoTracks();
  track.contentHint = "motion";
  track.addEventListener("ended", () => session?.end(new Trouble("The camera was taken away",
    "Another app or page may use it now.", AGAIN)));
  preview.srcObject = stream;
  preview.play().catch(() => {}); // muted, so allowed
  document.body.dataset.camera = "on";
  document.body.dataset.facing = track.getSettings().facingMode ?? facing;
  return track;
}

function closeCamera() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = preview.srcObject = null;
  delete document.body.dataset.camera;
}

async function turnCamera() {
  facing = facing === "environment" ? "user" : "environment";
  $("turn").disabled = true;
  try {
    const track = await openCamera(); // closes the other first: many phones open one at a time
    await session?.replace(track);
  } catch (trouble) {
    session?.end(trouble);
  }
  $("turn").disabled = false;
}

// ---- one connection -----------------------------------------------------------------------

class Session {
  constructor() {
    this.peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.over = new Promise((done) => { this.end = done; }); // with the Trouble that ended it
    this.location = null;
  }

  async open(track) {
    const { sender } = this.peer.addTransceiver(track, {
      direction: "sendonly", streams: [stream],
      sendEncodings: [{ maxBitrate: MOST_BITS, networkPriority: "high" }],
    });
    this.sender = sender;
    await preferFrameRate(sender);
    this.peer.onconnectionstatechange = () => {
      if (["failed", "closed"].includes(this.peer.connectionState)) this.end(null);
    };
    // Not waiting for our own addresses: the answer holds the server's, and we call first.
    await this.peer.setLocalDescription();
    const answer = await this.post(this.peer.localDescription.sdp);
    await this.peer.setRemoteDescription({ type: "answer", sdp: answer });
  }

  async post(sdp) {
    const address = new URL("camera/whip", document.baseURI);
    const response = await ask(address, {
      method: "POST", headers: { "Content-Type": "application/sdp" }, body: sdp,
    });
    const text = await response.text();
    if (response.status === 201) {
      this.location = new URL(response.headers.get("Location"), address);
      return text;
    }
    throw REFUSALS[response.status]?.() ?? new Trouble("The show did not take this phone", text.trim());
  }

  // What arrives at the show. Throws the Trouble, where it has none of us any more.
  async standing() {
    const response = await ask(this.location);
    if (response.ok) return response.json();
    throw REFUSALS[response.status]?.() ?? BROKE();
  }

  async replace(track) {
    await this.sender.replaceTrack(track);
    await preferFrameRate(this.sender);
  }

  close() {
    this.end(null);
    this.peer.close();
    if (!this.location) return;
    ask(this.location, { method: "DELETE", keepalive: true }).catch(() => {});
    [last, this.location] = [this.location, null];
  }
}

async function ask(address, how = {}) {
  const headers = { ...how.headers, Authorization: `Bearer ${key()}` };
  try {
    return await fetch(address, { ...how, headers, signal: AbortSignal.timeout(CONNECT_S * 1000) });
  } catch {
    throw NO_SHOW();
  }
}

// A dancer is better seen small and often than large and seldom.
async function preferFrameRate(sender) {
  try {
    const parameters = sender.getParameters();
    parameters.degradationPreference = "maintain-framerate";
    await sender.setParameters(parameters);
  } catch { /* older browsers have no such wish; contentHint says the same */ }
}

// ---- watching over it ---------------------------------------------------------------------

let session = null;
let last = null; // where the session before this one was
let attempt = 0;
let hasSent = false;
let generation = 0; // of the loop below; a loop of an older one ends
let hurry = () => {}; // ends the pause between two attempts

async function live() {
  const mine = ++generation;
  [attempt, last] = [0, null];
  say("asking", "Asking for the camera", "Allow it, so that the show can see the performer.");
  while (mine === generation) {
    const seconds = RETRY_S[Math.min(attempt, RETRY_S.length - 1)];
    attempt += 1;
    await Promise.race([wait(seconds), new Promise((done) => { hurry = done; })]);
    if (mine !== generation) return;
    try {
      await once(mine);
    } catch (error) {
      if (mine !== generation) return;
      const trouble = error instanceof Trouble ? error : new Trouble("The camera cannot be sent", `${error}`);
      if (trouble.button !== null) halt(trouble);
      else say("waiting", trouble.message, trouble.more, "Stop", rest);
    }
  }
}

async function once(mine) {
  if (!("RTCPeerConnection" in window)) {
    throw new Trouble("This browser cannot send its camera", "It has no WebRTC, or it is turned off.", AGAIN);
  }
  if (!key()) throw new Trouble("This link has no key", "Scan the code that the show gives.", AGAIN);
  await notReplaced();
  const [open] = stream?.getVideoTracks() ?? [];
  const track = open?.readyState === "live" && !open.muted ? open : await openCamera();
  if (attempt === 1) say("connecting", "Connecting", "", "Stop", rest);
  const which = session = new Session();
  try {
    await which.open(track);
    await untilOver(which, mine);
  } finally {
    which.close();
    if (session === which) session = null;
  }
}

// A phone that was away must not take the show back from the one that came in its place.
async function notReplaced() {
  if (last !== null && (await ask(last)).status === 410) throw REPLACED();
  last = null;
}

async function untilOver(which, mine) {
  let latest = performance.now(); // when the show had a picture, or we began
  let misses = 0;
  for (;;) {
    const over = await Promise.race([wait(ASK_S / 4), which.over]);
    if (mine !== generation) return;
    if (over instanceof Trouble) throw over;
    const told = await which.standing().catch((trouble) => {
      misses += 1;
      if (over === null || !trouble.unheard || misses > MISSES) throw trouble;
      return null;
    });
    if (over === null) throw BROKE();
    if (told === null) {
      await wait(ASK_S);
      continue;
    }
    misses = 0;
    const { fps, width, height } = told;
    if (which.peer.connectionState === "connected" && fps > 0) {
      [attempt, latest] = [0, performance.now()];
      sending(fps, width, height);
      await Promise.race([wait(ASK_S * 0.75), which.over]);
    } else if (performance.now() - latest > CONNECT_S * 1000) {
      throw noPicture(which);
    }
  }
}

function sending(fps, width, height) {
  hasSent = true;
  $("figures").textContent = `${width} × ${height}, ${fps.toFixed(0)} /s`;
  if (document.body.dataset.state === "sending") return;
  say("sending", "This phone is the camera",
    "Stand it upright, so that the whole performer is in the picture.", "Stop", rest);
}

function noPicture(which) {
  if (!which.peer.localDescription?.sdp.includes("a=candidate")) {
    return new Trouble("This phone is in no network", "Join the same Wi-Fi as the show.");
  }
  if (which.peer.connectionState !== "connected") {
    return new Trouble("The show is on, but the picture cannot get there",
      "A firewall or this network may be blocking it (UDP).");
  }
  return new Trouble("The camera gives no picture", "Trying again.");
}

function halt({ message, more, button }) {
  generation += 1;
  closeCamera();
  say("stopped", message, more, button, live);
}

function rest() {
  generation += 1;
  session?.close();
  closeCamera();
  say("stopped", "Stopped", "This phone sends nothing.", "Be the camera", live);
}

window.addEventListener("hashchange", () => location.reload());
window.addEventListener("online", () => { attempt = 0; hurry(); });
window.addEventListener("pagehide", () => session?.close());
window.addEventListener("pageshow", (event) => { if (event.persisted) hurry(); });
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return;
  hurry();
  preview.play().catch(() => {});
  stayAwake();
});

$("turn").addEventListener("click", turnCamera);
$("main").addEventListener("click", () => onMain());

async function stayAwake() {
  try {
    await navigator.wakeLock?.request("screen");
  } catch { /* low battery: the screen may sleep, and the camera with it */ }
}

stayAwake();
live();
