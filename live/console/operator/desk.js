// What is set, as this page knows it: takes the show's word, sends the operator's, tells its controls.

const OWN_S = 5; // within which the show's news of our own order comes back

const same = (one, other) => (typeof one === "number" && typeof other === "number"
  ? Math.abs(one - other) < 1e-9 : one === other);

export class Desk {
  // `order` sends; `say` shows a sentence, `flash` marks a control as moved by another hand.
  constructor(order, say, flash) {
    this.send = order;
    this.say = say;
    this.flash = flash;
    this.parameters = new Map();
    this.values = {};
    this.offers = {};
    this.gliding = {};
    this.watchers = new Map(); // by name
    this.waiting = {}; // values that go with the next order
    this.underWay = null; // values in the order that has no answer yet
    this.doing = 0; // actions of ours that have no answer yet
    this.own = new Map(); // by name, what we sent and have not heard of yet
    this.refusedConsent = () => false; // true: it is dealt with, and needs no words
  }

  // Everything anew, from the show's greeting. False: the table is another one than before.
  greet({ parameters, values, offers }) {
    const table = JSON.stringify(parameters);
    if (this.table !== undefined && this.table !== table) return false;
    this.table = table;
    this.parameters = new Map(parameters.map((one) => [one.name, one]));
    [this.values, this.offers, this.gliding] = [{ ...values }, { ...offers }, {}];
    [this.waiting, this.underWay, this.doing] = [{}, null, 0];
    this.own.clear();
    for (const name of this.watchers.keys()) this.tell(name);
    return true;
  }

  watch(name, show) {
    this.watchers.set(name, [...(this.watchers.get(name) ?? []), show]);
    if (this.parameters.has(name)) show(this.values[name]);
  }

  tell(name) {
    for (const show of this.watchers.get(name) ?? []) show(this.gliding[name] ?? this.values[name]);
  }

  // Whether what a control shows is newer than what the show knows.
  ahead(name) {
    return name in this.waiting || name in (this.underWay ?? {});
  }

  // What was asked for last, whether or not the show has answered.
  latest(name) {
    return this.waiting[name] ?? this.underWay?.[name] ?? this.values[name];
  }

  change({ by, values = {}, done = "", offers }) {
    Object.assign(this.offers, offers ?? {});
    for (const name of Object.keys(offers ?? {})) this.tell(name);
    const ours = by === "console" && this.doing > 0; // what an action of ours brings with it
    for (const [name, value] of Object.entries(values)) {
      const news = !same(this.values[name], value) && this.parameters.get(name)?.kind !== "reading";
      this.values[name] = value;
      if (!this.isOwn(name, value) && news && !ours) this.flash(name, by);
      if (!this.ahead(name)) this.tell(name);
    }
    if (done && !this.isOwn(done, "done")) this.flash(done, by);
  }

  // Where those are that glide; what has arrived goes back to where it was sent.
  glide(gliding) {
    const before = Object.keys(this.gliding);
    this.gliding = gliding;
    for (const name of new Set([...before, ...Object.keys(gliding)])) {
      if (!this.ahead(name)) this.tell(name);
    }
  }

  isOwn(name, value) {
    const sent = (this.own.get(name) ?? []).filter(({ atMs }) => performance.now() - atMs < OWN_S * 1000);
    const at = sent.findIndex((one) => same(one.value, value));
    this.own.set(name, sent.slice(at + 1));
    return at >= 0;
  }

  note(name, value) {
    this.own.set(name, [...(this.own.get(name) ?? []), { value, atMs: performance.now() }]);
  }

  // Sets values at once, or, while an order is under way, together with the next one.
  set(values) {
    Object.assign(this.waiting, values);
    if (this.underWay === null) this.flush();
  }

  async flush() {
    const values = this.waiting;
    if (Object.keys(values).length === 0) return;
    [this.waiting, this.underWay] = [{}, values];
    await this.setNow(values);
    if (this.underWay !== values) return; // the line broke, and all began anew
    this.underWay = null;
    for (const name of Object.keys(values)) if (!this.ahead(name)) this.tell(name);
    this.flush();
  }

  // Does not wait for what is under way.
  async setNow(values, fade = undefined) {
    for (const [name, value] of Object.entries(values)) this.note(name, value);
    await this.try({ set: values, ...(fade ? { fade } : {}) }, Object.keys(values));
  }

  toggle(name) {
    return this.setNow({ [name]: !this.values[name] });
  }

  async do(name, ...given) {
    this.note(name, "done");
    this.doing += 1;
    const done = await this.try({ do: name, with: given }, [name]);
    this.doing = Math.max(this.doing - 1, 0);
    return done;
  }

  next(name) {
    const choices = this.choices(name);
    if (choices.length === 0) return;
    this.setNow({ [name]: choices[(choices.indexOf(this.values[name]) + 1) % choices.length] });
  }

  choices(name) {
    return this.offers[name] ?? this.parameters.get(name)?.choices ?? [];
  }

  // True where the show took it. What it refuses it explains, and all stays as the show has it.
  async try(message, names = []) {
    try {
      await this.send(message);
      return true;
    } catch (error) {
      for (const name of names) this.own.delete(name);
      if (!this.refusedConsent(message, error.message)) this.say(error.message, "bad");
      for (const name of names) {
        this.flash(name, "");
        if (!this.ahead(name)) this.tell(name);
      }
      return false;
    }
  }
}
