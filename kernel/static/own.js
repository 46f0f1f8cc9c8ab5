// What a worker keeps of an account's pages (cache "own") goes when it logs out here, and when a page of
// another account is opened. Whoever keeps opens the cache before asking: what is forgotten meanwhile
// goes with it.
const KEPT = "own";
const MOST = 2000; // ms that a log-out waits
const { account, keptAt } = document.documentElement.dataset;

async function anothers() {
  if (!(await caches.has(KEPT))) return false;
  const kept = await (await caches.open(KEPT)).matchAll();
  return kept.some(({ headers }) => headers.has("kept-for") && headers.get("kept-for") !== account);
}

async function leave(event) {
  if (!event.target.matches("form[action='/logout']")) return;
  event.preventDefault();
  const patience = new Promise((done) => setTimeout(done, MOST));
  await Promise.race([caches.delete(KEPT), patience]).catch(() => {});
  event.target.submit();
}

if (globalThis.caches) {
  document.addEventListener("submit", leave);
  if (!keptAt) anothers().then((found) => found && caches.delete(KEPT)).catch(() => {});
}
