// Keys, taps, buttons and the full screen; all of it fades when nobody moves.

const IDLE_S = 2; // until pointer and buttons fade
const DOUBLE_MS = 350; // between the two taps of a double tap

const $ = (id) => document.getElementById(id);

function toggle(panel, shown = $(panel).hidden) {
  $(panel).hidden = !shown;
  $(`show-${panel}`).setAttribute("aria-pressed", String(shown));
}

const filling = () => document.fullscreenElement ?? document.webkitFullscreenElement ?? null;

function fillScreen() {
  const page = document.documentElement;
  if (filling()) (document.exitFullscreen ?? document.webkitExitFullscreen).call(document);
  else if (page.requestFullscreen) page.requestFullscreen({ navigationUI: "hide" }).catch(() => {});
  else if (page.webkitRequestFullscreen) page.webkitRequestFullscreen();
  else $("picture").webkitEnterFullscreen?.(); // an iPhone fills its screen with the video alone
}

// `opened` is called when the statistics open, `sound` to turn the sound on or off.
export function setUpControls(opened, sound) {
  const statistics = () => {
    toggle("statistics");
    if (!$("statistics").hidden) opened();
  };
  const keys = () => toggle("keys");
  listenToKeys({ f: fillScreen, s: statistics, m: sound, "?": keys });
  listenToTaps();
  $("fill-screen").addEventListener("click", fillScreen);
  $("show-statistics").addEventListener("click", statistics);
  $("show-keys").addEventListener("click", keys);
  for (const kind of ["fullscreenchange", "webkitfullscreenchange"]) {
    document.addEventListener(kind, () => {
      $("fill-screen").setAttribute("aria-pressed", String(filling() !== null));
    });
  }
  fadeWhenIdle();
}

function listenToKeys(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.key === "Escape") {
      toggle("keys", false);
      toggle("statistics", false);
    }
    actions[event.key.toLowerCase()]?.();
  });
}

function listenToTaps() {
  let tappedMs = -Infinity;
  document.addEventListener("click", (event) => {
    if (event.target.closest("button")) return;
    const twice = event.timeStamp - tappedMs < DOUBLE_MS;
    tappedMs = twice ? -Infinity : event.timeStamp;
    if (twice) fillScreen();
  });
}

function fadeWhenIdle() {
  const { classList } = document.body;
  let timer = 0;
  let unseen = false; // the tap that is under way began when there were no buttons to be seen
  let at = "";
  const awaken = () => {
    classList.remove("idle");
    clearTimeout(timer);
    timer = setTimeout(() => classList.add("idle"), IDLE_S * 1000);
  };
  document.addEventListener("keydown", awaken);
  document.addEventListener("focusin", awaken);
  document.addEventListener("pointerdown", (event) => {
    unseen = event.pointerType === "touch" && classList.contains("idle");
    awaken();
  });
  document.addEventListener("pointermove", (event) => {
    const now = `${event.screenX} ${event.screenY}`; // a table that shakes reports moves to nowhere
    if (now !== at) awaken();
    at = now;
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!unseen || !button || button.matches(".inviting")) return;
    event.stopPropagation();
    event.preventDefault();
  }, true);
  awaken();
}
