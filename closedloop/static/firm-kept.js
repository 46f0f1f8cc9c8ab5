// Has the firm's pages kept for a time without a network (firm-worker.js), says how old a kept one is, and
// looks for a fresh one. What a kept page cannot do any more is taken out of it.
const AGAIN = 15_000;
const { keptAt } = document.documentElement.dataset;
const note = document.querySelector("[data-firm-kept]");

async function keep() {
  const workers = navigator.serviceWorker;
  const known = workers.controller !== null;
  await workers.register("/firm/sw.js", { scope: "/firm" });
  if (!known) await new Promise((done) => workers.addEventListener("controllerchange", done, { once: true }));
  // What a form answered, and what came before the worker, it has not seen.
  if (!known || location.pathname === "/firm/confirm") await fetch("/firm");
}

function tell() {
  const minutes = Math.max(0, Math.floor((Date.now() - Number(keptAt)) / 60_000));
  const words = minutes < 60 ? note.dataset.minutes : note.dataset.hours;
  const said = words.replace("{h}", Math.floor(minutes / 60)).replace("{m}", minutes % 60);
  note.querySelector("[data-age]").textContent = said;
}

async function renew() {
  // Whoever is ticking trucks goes on; the page is fresh when they have been sent.
  if (document.querySelector("[name=truck]:checked")) return;
  const fresh = await fetch(location.href).catch(() => null);
  if (fresh && fresh.status < 500 && !fresh.headers.has("kept-at")) location.reload();
}

if (keptAt) {
  for (const each of document.querySelectorAll("[data-fresh]")) each.remove();
  tell();
  setInterval(tell, AGAIN);
  setInterval(renew, AGAIN);
  addEventListener("online", renew);
} else if (navigator.serviceWorker) {
  keep().catch(() => {});
}
