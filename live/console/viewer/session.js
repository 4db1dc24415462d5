// One connection to the show: an offer by WHEP, the answer, and the goodbye.

import { notRunning, refusal } from "./words.js";

const ANSWER_S = 6;
const STATUS_S = 1.5;
const OVER = ["failed", "closed"];

// The link's key. It stays behind the '#': there no server, no log and no referrer sees it.
const key = () => location.hash.slice(1);
const authorized = (headers = {}) => (key() ? { ...headers, Authorization: `Bearer ${key()}` } : headers);

// A request that does not hang. Addresses are relative to the page: a proxy may serve it anywhere.
const request = (address, seconds, { headers, ...options } = {}) => fetch(new URL(address, document.baseURI),
  { cache: "no-store", signal: AbortSignal.timeout?.(seconds * 1000), headers: authorized(headers), ...options });

// What the show says of itself; null where it says nothing.
export async function status() {
  try {
    const response = await request("status", STATUS_S);
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

export class Session {
  // `uneasy` is called when something hints that the picture may have stopped.
  constructor(uneasy) {
    this.uneasy = uneasy;
    this.over = false;
    this.dismissed = false; // ended by the server, with a goodbye
    this.ended = new Promise((done) => { this.settle = done; });
    this.stream = new MediaStream();
    this.openedMs = performance.now();
    this.decoded = 0; // pictures so far
    this.location = null;
    this.peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.peer.onconnectionstatechange = () => {
      const state = this.peer.connectionState;
      if (OVER.includes(state)) this.end();
      if (state === "disconnected") this.uneasy();
    };
  }

  end() {
    if (this.over) return;
    const transport = this.peer.getReceivers()[0]?.transport;
    this.dismissed = transport?.state === "closed";
    this.over = true;
    this.settle();
  }

  get connected() { return this.peer.connectionState === "connected"; }
  get addressed() { return this.peer.localDescription?.sdp.includes("a=candidate") ?? false; }
  get audible() { return this.stream.getAudioTracks().length > 0; }

  async open() {
    for (const kind of ["video", "audio"]) {
      playAtOnce(this.peer.addTransceiver(kind, { direction: "recvonly" }).receiver);
    }
    // Not waiting for our own addresses: the answer holds the server's, and we call first.
    await this.peer.setLocalDescription();
    const answer = await this.exchange(this.peer.localDescription.sdp);
    await this.peer.setRemoteDescription({ type: "answer", sdp: answer });
    for (const { currentDirection, receiver } of this.peer.getTransceivers()) {
      if (currentDirection === "recvonly") this.receive(receiver);
    }
  }

  receive({ track, transport }) {
    this.stream.addTrack(track);
    if (track.kind !== "video") return;
    track.onmute = () => this.uneasy();
    track.onended = () => this.end();
    if (transport) transport.onstatechange = () => { if (OVER.includes(transport.state)) this.end(); };
  }

  async exchange(sdp) {
    const headers = { "Content-Type": "application/sdp" };
    let response, text;
    try {
      response = await request("whep", ANSWER_S, { method: "POST", headers, body: sdp });
      text = await response.text();
    } catch {
      throw notRunning();
    }
    if (response.status !== 201) throw refusal(response, key() !== "");
    const location = response.headers.get("Location");
    this.location = location && new URL(location, response.url);
    return text;
  }

  close() {
    this.end();
    this.peer.close();
    if (this.location) this.leave().catch(() => {});
    this.location = null;
  }

  leave() {
    return fetch(this.location, { method: "DELETE", keepalive: true, headers: authorized() });
  }
}

// The least that the browser may hold back. The server's playout-delay header does the most;
// this keeps other browsers' and other servers' buffers short.
function playAtOnce(receiver) {
  if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
  if ("playoutDelayHint" in receiver) receiver.playoutDelayHint = 0;
}
