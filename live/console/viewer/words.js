// Everything that the page says when no picture comes: what is wrong, and what happens next.

export class Trouble extends Error {
  constructor(words, more = "", final = false) {
    super(words);
    this.more = more;
    this.final = final; // trying again will not help
    this.absent = false; // nobody answered at all
    this.waitS = 0; // the server asks not to be called sooner
  }
}

const LONGEST_WAIT_S = 30;

const AGAIN = "This page keeps trying.";
const BROWSERS = "Try a current Firefox, Chrome, Edge or Safari.";

export const noWebRtc = () =>
  new Trouble("This browser cannot play the show", `It has no WebRTC, or it is turned off. ${BROWSERS}`, true);
export function notRunning() {
  if (navigator.onLine === false) return offline();
  const trouble = new Trouble("The show is not running", "This page begins by itself as soon as it does.");
  trouble.absent = true;
  return trouble;
}
const offline = () =>
  new Trouble("This device is in no network", "The picture comes back by itself as soon as it is.");
export const ended = () =>
  new Trouble("The show has ended", "This page begins by itself when the next one does.");
export const stopped = () =>
  new Trouble("The picture stopped", "Connecting again.");
export const still = () =>
  new Trouble("The show stands still", "The picture goes on as soon as the show does.");
export const lost = () =>
  new Trouble("The show is on, but no picture comes", "Connecting again.");
export const unreachable = () =>
  new Trouble("The show is on, but its picture cannot get here",
    `A firewall or this network may be blocking it (UDP). Another network may let it through. ${AGAIN}`);
export const noNetwork = () =>
  new Trouble("This device is in no network",
    "Browsers need one to play live video, even of their own machine: join any Wi-Fi.");
export const unknown = () =>
  new Trouble("The picture cannot be played", `What the show sent was not understood. ${AGAIN}`);
export const tap = () =>
  new Trouble("Tap to begin", "This device starts no picture by itself, perhaps to save power.");

const misread = () =>
  new Trouble("This browser and the show do not understand each other", `${BROWSERS} ${AGAIN}`);
const elsewhere = () =>
  new Trouble("There is no show at this address", `Something else answers here. ${AGAIN}`);
const stranger = () =>
  new Trouble("The show does not know this address", `Whoever runs it can allow it: --allow-origin ${location.origin}`);

const noKey = () =>
  new Trouble("This address lacks its key", "Scan the code of the show, or open the whole link that you were given.", true);
const wrongKey = () =>
  new Trouble("This link is not valid any more", "Scan the code that the show gives now.", true);

const REFUSALS = {
  400: misread,
  401: (keyed) => (keyed ? wrongKey() : noKey()),
  403: stranger,
  404: elsewhere,
  405: elsewhere,
  406: () => new Trouble("This browser cannot play the show",
    `It plays none of the show's picture formats (H.264 or VP8). ${BROWSERS}`, true),
  410: ended,
  413: misread,
  415: misread,
  422: misread,
  429: () => new Trouble("Many are coming in from this network", "You are let in in a moment."),
  502: notRunning, // a reverse proxy answers for a server that is not there
  503: () => new Trouble("Every place is taken", "You are let in as soon as one is free."),
  504: notRunning,
};

// What a response other than 201 means. Its own text is for developers, and is not shown.
// `keyed`: the link had a key.
export function refusal(response, keyed) {
  const trouble = (REFUSALS[response.status] ??
    (() => new Trouble("The show has a problem of its own", AGAIN)))(keyed);
  trouble.waitS = Math.min(Number(response.headers.get("Retry-After")) || 0, LONGEST_WAIT_S);
  return trouble;
}
