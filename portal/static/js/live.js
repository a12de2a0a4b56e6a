// Keeps a part of a page up to date: it is fetched anew every few seconds while somebody looks at it.
const PERIOD = 5000;
const part = document.querySelector("[data-live]");
const bar = document.querySelector("[data-live-bar]");
const pause = document.querySelector("[data-live-pause]");
const status = document.querySelector("[data-live-status]");
let paused = false;

async function refresh() {
  // What somebody is about to use is not taken away from under them.
  if (paused || document.hidden || part.contains(document.activeElement)) return;
  const answer = await fetch(part.dataset.live, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected || paused) return;
  part.innerHTML = await answer.text();
  // What it was about is over: the page has another form now.
  if (part.querySelector("[data-over]")) return location.reload();
  const summary = part.querySelector("[data-summary]").textContent;
  if (status.textContent !== summary) status.textContent = summary;
}

pause.addEventListener("click", () => {
  paused = !paused;
  [pause.textContent, pause.dataset.other] = [pause.dataset.other, pause.textContent];
  refresh();
});
bar.hidden = false;
setInterval(refresh, PERIOD);
