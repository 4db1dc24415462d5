// The three pictures: each round of JPEGs is drawn, and only then the next one is asked for.

import { socketTo } from "./link.js";

const VIEWS = ["source", "label", "output"]; // by the first byte of what comes
const RETRY_S = 2;

export class Pictures {
  // `draw(view, bitmap)` shows one; `width()` tells how wide the widest is on the screen.
  constructor(token, draw, width) {
    Object.assign(this, { token, draw, width });
    this.socket = null;
    this.timer = 0;
    document.addEventListener("visibilitychange", () => this.goOn());
  }

  // While the line to the show is live.
  start() {
    this.stop();
    const socket = (this.socket = socketTo("console/pictures"));
    socket.binaryType = "blob";
    [this.left, this.due] = [VIEWS.length, false]; // of this round; the next one waits to be looked at
    socket.onopen = () => socket.send(JSON.stringify({ token: this.token, want: VIEWS, width: this.width() }));
    socket.onmessage = ({ data }) => {
      if (data instanceof Blob) this.take(data);
    };
    socket.onclose = () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.start(), RETRY_S * 1000);
    };
  }

  stop() {
    clearTimeout(this.timer);
    if (this.socket) [this.socket.onclose, this.socket.onmessage] = [null, null];
    this.socket?.close();
    this.socket = null;
  }

  // A view that has no picture yet comes as its first byte alone.
  async take(blob) {
    const { socket } = this;
    const [which] = new Uint8Array(await blob.slice(0, 1).arrayBuffer());
    const bitmap = blob.size < 2 ? null
      : await createImageBitmap(blob.slice(1, blob.size, "image/jpeg")).catch(() => null);
    if (socket !== this.socket) return;
    if (bitmap !== null) this.draw(VIEWS[which], bitmap);
    this.left -= 1;
    if (this.left > 0) return;
    this.due = true;
    this.goOn();
  }

  goOn() {
    if (!this.due || document.hidden || this.socket?.readyState !== WebSocket.OPEN) return;
    [this.left, this.due] = [VIEWS.length, false];
    this.socket.send(JSON.stringify({ next: true, width: this.width() }));
  }
}
