// Who is shown: portrait, consent, the one that is loading, and the one question this page asks.

import { $, write } from "./make.js";

const LACKS = /no consent record/; // in the show's refusal

export class Subject {
  constructor(desk) {
    this.desk = desk;
    this.asked = null; // the subject whose consent the dialog is about
    this.told = {};
    desk.refusedConsent = ({ set = {} }, words) => this.refused(set.subject, words);
    desk.watch("subject.loading", (name) => this.loads(name));
    desk.watch("subject", () => this.loads(desk.values["subject.loading"]));
    $("consent-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    $("consent-leave").addEventListener("click", () => this.close());
    $("consent-ask").addEventListener("click", () => this.ask(this.told.name));
  }

  take(subject) {
    this.told = subject;
    write($("subject-name"), subject.name || "nobody yet");
    write($("subject-consent"), subject.consent || "");
    $("consent-ask").hidden = subject.acknowledged !== false;
    $("subject").dataset.acknowledged = subject.acknowledged !== false;
    this.portray(subject.thumb);
  }

  // The page's policy lets no picture come out of an address of data: it is unpacked by hand.
  async portray(address) {
    if (address === this.portrait) return;
    this.portrait = address;
    const canvas = $("subject-thumb");
    canvas.hidden = !address;
    if (!address) return;
    const bytes = Uint8Array.from(atob(address.split(",").at(-1)), (one) => one.charCodeAt(0));
    const picture = await createImageBitmap(new Blob([bytes])).catch(() => null);
    canvas.hidden = picture === null;
    if (picture === null || this.portrait !== address) return;
    [canvas.width, canvas.height] = [picture.width, picture.height];
    canvas.getContext("2d").drawImage(picture, 0, 0);
  }

  loads(name = "") {
    $("subject").classList.toggle("loading", name !== "");
    write($("subject-loading"), name ? `loading ${name}` : "");
    for (const one of document.querySelectorAll('[data-name="subject"] [role="radio"]')) {
      one.classList.toggle("loading", one.dataset.value === name);
    }
  }

  // Whether this refusal was for want of consent, and the question is on the screen now.
  refused(name, words) {
    if (name === undefined || !LACKS.test(words)) return false;
    this.ask(name);
    return true;
  }

  ask(name) {
    this.asked = name;
    write($("consent-who"), name);
    write($("consent-wrong"), "");
    $("consent-date").max = new Date().toISOString().slice(0, 10);
    $("consent").hidden = false;
    $("consent-person").focus();
  }

  close() {
    $("consent").hidden = true;
    this.asked = null;
  }

  async send() {
    const name = this.asked;
    const parts = ["person", "date", "statement"].map((one) => $(`consent-${one}`).value.trim());
    if (parts.some((one) => one === "")) return write($("consent-wrong"), "All three are needed.");
    $("consent-send").disabled = true; // once
    const words = `${parts[0].replaceAll(",", " ")}, ${parts[1]}, ${parts[2]}`;
    try {
      await this.desk.send({ acknowledge: { subject: name, words } });
    } catch (error) {
      return write($("consent-wrong"), error.message);
    } finally {
      $("consent-send").disabled = false;
    }
    $("consent-form").reset();
    this.close();
    if (name !== this.told.name) this.desk.setNow({ subject: name });
  }
}
