// The statistics overlay: what comes, how fast, how late.

import { status } from "./session.js";

const EVERY_MS = 900; // at least so far apart, for rates that can be read

// The stream's counters so far. `frames` counts decoded pictures.
export async function measure(peer) {
  const counters = { frames: 0, atMs: performance.now() };
  const codecs = {};
  for (const one of (await peer.getStats()).values()) {
    if (one.type === "inbound-rtp" && one.kind === "video") Object.assign(counters, {
      frames: one.framesDecoded ?? 0, bytes: one.bytesReceived,
      packets: one.packetsReceived, lost: one.packetsLost,
      waitedS: one.jitterBufferDelay, emitted: one.jitterBufferEmittedCount,
      decodedS: one.totalDecodeTime, codecId: one.codecId,
    });
    if (one.type === "candidate-pair" && one.nominated && one.currentRoundTripTime !== undefined) {
      counters.tripMs = one.currentRoundTripTime * 1000;
    }
    if (one.type === "codec") codecs[one.id] = one.mimeType.replace("video/", "");
  }
  counters.codec = codecs[counters.codecId];
  return counters;
}

const write = (id, text) => { document.getElementById(id).textContent = text; };
const ms = (value) => (Number.isFinite(value) ? `${value.toFixed(value < 10 ? 1 : 0)} ms` : "–");

export class Figures {
  constructor(video) {
    this.video = video;
    this.panel = document.getElementById("statistics");
    this.before = null; // the counters that were shown last
    this.told = null; // what the show last said of itself
    this.asking = false;
    this.drawnMs = null; // from a picture's arrival to the screen, smoothed
    if ("requestVideoFrameCallback" in video) this.follow();
  }

  follow() {
    this.video.requestVideoFrameCallback((_, picture) => {
      const tookMs = picture.expectedDisplayTime - picture.receiveTime; // NaN where a browser does not tell
      if (Number.isFinite(tookMs)) this.drawnMs = tookMs + 0.9 * ((this.drawnMs ?? tookMs) - tookMs);
      this.follow();
    });
  }

  opened() {
    this.before = null;
    this.ask();
  }

  async ask() {
    if (this.asking) return;
    this.asking = true;
    while (!this.panel.hidden) {
      this.told = await status();
      await new Promise((done) => setTimeout(done, 1000));
    }
    this.asking = false;
  }

  take(now) {
    if (this.panel.hidden) return;
    const last = this.before;
    if (last !== null && now.atMs - last.atMs < EVERY_MS) return;
    this.before = now;
    if (last !== null && now.frames >= last.frames && now.emitted) this.show(now, last);
  }

  show(now, last) {
    const seconds = (now.atMs - last.atMs) / 1000;
    const more = (name) => now[name] - (last[name] ?? 0);
    const [pictures, lost] = [more("frames"), Math.max(0, more("lost"))];
    const bufferMs = (more("waitedS") / more("emitted")) * 1000;
    const decodeMs = (more("decodedS") / pictures) * 1000;
    const arrivedMs = this.drawnMs ?? bufferMs + decodeMs;
    const stageMs = this.told?.delay_ms?.p50 ?? null;
    const { videoWidth, videoHeight } = this.video;
    write("fps", `${(pictures / seconds).toFixed(1)} /s`);
    write("size", `${videoWidth} × ${videoHeight}`);
    write("rate", `${((more("bytes") * 8) / seconds / 1e6).toFixed(2)} Mbit/s`);
    write("codec", now.codec ?? "–");
    write("lost", `${((100 * lost) / (more("packets") + lost || 1)).toFixed(1)} %, ${now.lost ?? 0} in all`);
    write("viewers", `${this.told?.viewers ?? "–"}`);
    write("delay", (stageMs === null ? "> " : "") + ms((stageMs ?? 0) + (now.tripMs ?? 0) / 2 + arrivedMs));
    write("stage", ms(stageMs ?? NaN));
    write("trip", ms(now.tripMs));
    write("buffer", ms(bufferMs));
    write("decode", ms(decodeMs));
    write("drawn", ms(this.drawnMs ?? NaN));
  }
}
