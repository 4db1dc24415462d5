// Hands on a picture: one finger or the mouse drags, two fingers or the wheel size, twice is home.

const WHEEL = 0.0015; // of the size's logarithm, for one pixel of the wheel
const LINE_PX = 24; // some wheels count lines
const TWICE_MS = 400; // between the two taps of a double tap
const STILL_PX = 6; // what a tap may move

// A double tap or click. Fingers have no dblclick where they do not zoom.
export function twice(element, act) {
  let [from, lastMs] = [null, -Infinity];
  element.addEventListener("pointerdown", (event) => { from = event; });
  element.addEventListener("pointerup", (event) => {
    if (from === null || Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) > STILL_PX) {
      lastMs = -Infinity;
      return;
    }
    const again = event.timeStamp - lastMs < TWICE_MS;
    lastMs = again ? -Infinity : event.timeStamp;
    if (again) act();
  });
}

// `begin()`, then `move(right, down, times)` since then, in CSS pixels; `zoom(times)`; `home()`.
export function gestures(element, { begin, move, zoom, home }) {
  const pointers = new Map();
  let first = null;

  const place = () => {
    const all = [...pointers.values()];
    const x = all.reduce((sum, one) => sum + one.x, 0) / all.length;
    const y = all.reduce((sum, one) => sum + one.y, 0) / all.length;
    const apart = all.length < 2 ? 1 : Math.max(Math.hypot(all[0].x - all[1].x, all[0].y - all[1].y), 1);
    return { x, y, apart };
  };
  // Also where a finger comes or goes: the rest goes on from where things are.
  const restart = () => {
    element.classList.toggle("held", pointers.size > 0);
    first = pointers.size > 0 ? place() : null;
    if (first) begin();
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    restart();
  });
  element.addEventListener("pointermove", (event) => {
    if (!pointers.has(event.pointerId)) return;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const now = place();
    move(now.x - first.x, now.y - first.y, now.apart / first.apart);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    element.addEventListener(end, (event) => {
      if (pointers.delete(event.pointerId)) restart();
    });
  }
  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? LINE_PX : 1) * WHEEL));
  }, { passive: false });
  twice(element, home);
}
