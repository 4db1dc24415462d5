// The line to the show: one WebSocket for orders and news, which comes back by itself.

const RETRY_S = [0.3, 0.6, 1.2, 2.4, 5];
const SILENT_S = 4; // the show speaks five times a second; so long a silence is a cut line
const REFUSED = 4401; // the close code for a wrong token
const KEPT = "understudy-operator";

// The link's key. It is taken out of the address: screens of the stage are often seen by others.
export function takeToken() {
  const given = location.hash.slice(1);
  try {
    if (given) sessionStorage.setItem(KEPT, given);
    if (given) history.replaceState(null, "", location.pathname + location.search);
    return sessionStorage.getItem(KEPT);
  } catch { // storage is forbidden: the key stays where it came
    return given || null;
  }
}

export function socketTo(path) {
  const address = new URL(path, document.baseURI);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  address.hash = "";
  return new WebSocket(address);
}

// What the show said no to, in its own words.
export class Refused extends Error {}

export class Link {
  // `heard`: what to do with each kind of message. `said(state, words)`: "live", "lost", "refused".
  constructor(token, heard, said) {
    this.token = token;
    this.heard = heard;
    this.said = said;
    this.socket = null;
    this.live = false;
    this.orders = new Map(); // by id, those that wait for an answer
    this.count = 0;
    this.attempt = 0;
    this.hurry = () => {};
  }

  // Sends an order; fulfilled when the show has taken it, and rejected with its sentence.
  order(message) {
    if (!this.live) return Promise.reject(new Refused("not connected: this order was not sent"));
    const id = (this.count += 1);
    return new Promise((done, fail) => {
      this.orders.set(id, { done, fail });
      this.socket.send(JSON.stringify({ ...message, id }));
    });
  }

  async run() {
    for (;;) {
      const { code, refused } = await this.once();
      this.end();
      if (code === REFUSED) return this.said("refused", refused);
      const seconds = RETRY_S[Math.min(this.attempt, RETRY_S.length - 1)] * (0.8 + 0.4 * Math.random());
      this.attempt += 1;
      this.said("lost", refused ?? "");
      await new Promise((done) => {
        this.hurry = done;
        setTimeout(done, seconds * 1000);
      });
    }
  }

  // One connection, until it ends.
  once() {
    return new Promise((over) => {
      const socket = (this.socket = socketTo("console/socket"));
      let refused = null;
      let watch = 0;
      const finish = (code) => {
        clearTimeout(watch);
        [socket.onopen, socket.onmessage, socket.onclose] = [null, null, null];
        socket.close();
        over({ code, refused });
      };
      const rewatch = () => {
        clearTimeout(watch);
        watch = setTimeout(() => finish(0), SILENT_S * 1000);
      };
      rewatch();
      socket.onopen = () => socket.send(JSON.stringify({ token: this.token }));
      socket.onclose = ({ code }) => finish(code);
      socket.onmessage = ({ data }) => {
        rewatch();
        const message = JSON.parse(data);
        refused = message.refused ?? refused;
        this.take(message);
      };
    });
  }

  take(message) {
    if ("hello" in message) this.begin();
    if ("ok" in message) this.answer(message.ok, (order) => order.done());
    if ("error" in message) this.answer(message.id, (order) => order.fail(new Refused(message.error)), message.error);
    for (const [kind, act] of Object.entries(this.heard)) {
      if (kind in message) act(message[kind]);
    }
  }

  answer(id, act, words = "") {
    const order = this.orders.get(id);
    this.orders.delete(id);
    if (order) act(order);
    else if (words) this.heard.trouble(words); // an error that names no order of ours
  }

  begin() {
    [this.live, this.attempt] = [true, 0];
    this.said("live", "");
  }

  end() {
    this.live = false;
    const waiting = [...this.orders.values()];
    this.orders.clear();
    for (const order of waiting) order.fail(new Refused("the connection broke before the show answered"));
  }
}
