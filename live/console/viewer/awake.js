// Keeps the screen on while the page is open: nobody touches a screen that they watch.

let lock = null;

async function acquire() {
  if (document.visibilityState !== "visible" || (lock && !lock.released)) return;
  try {
    lock = await navigator.wakeLock.request("screen");
  } catch { /* low battery: the screen may sleep */ }
}

// The browser takes the lock back whenever the page is hidden.
export function stayAwake() {
  if (!navigator.wakeLock) return; // an old browser, or a page that is not secure
  acquire();
  document.addEventListener("visibilitychange", acquire);
}
