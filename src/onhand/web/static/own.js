// Says whether the page is live, and lets a count that changed light up. The page works without it.
// It comes before htmx, so that it hears of the first connection too.
"use strict";

const AGAIN_MS = 3000;
const FLASH_MS = 1400;
const root = document.documentElement;
const stream = document.getElementById("stream");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let again;

function say(live) {
  root.dataset.live = live ? "yes" : "no";
}

// Once connected, the extension reconnects by itself; a first attempt that failed is repeated here.
function retryLater() {
  say(false);
  clearTimeout(again);
  again = setTimeout(() => htmx.trigger(stream, "again"), AGAIN_MS);
}

stream.addEventListener("htmx:sse:after:connection", () => {
  clearTimeout(again);
  say(true);
});
stream.addEventListener("htmx:sse:error", () => say(false));
for (const name of ["htmx:sse:close", "htmx:error", "htmx:response:error"]) stream.addEventListener(name, retryLater);

new MutationObserver((changes) => {
  if (calm.matches) return;
  const counts = new Set(changes.map(({ target }) => (target.parentElement ?? target).closest?.("td b")).filter(Boolean));
  for (const count of counts) {
    const light = getComputedStyle(root).getPropertyValue("--flash");
    count.animate([{ backgroundColor: light }, { backgroundColor: "transparent" }], { duration: FLASH_MS, easing: "ease-out" });
  }
}).observe(document.getElementById("stock"), { subtree: true, characterData: true, childList: true });
