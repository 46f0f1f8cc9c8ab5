// The code fills the screen on a tap; the page opens again without a network (pass-worker.js).
const pass = document.querySelector("[data-pass]");
const KEPT = "passes";
const page = location.pathname;

function fill(event) {
  event.preventDefault();
  const shown = document.createElement("dialog");
  shown.className = "sheet qr";
  shown.ariaLabel = event.currentTarget.ariaLabel;
  const parts = [event.currentTarget.firstElementChild, ...pass.querySelectorAll("[data-large]")];
  shown.append(...parts.map((part) => part.cloneNode(true)));
  const close = document.createElement("button");
  close.className = "btn line";
  close.textContent = pass.dataset.close;
  shown.append(close);
  shown.addEventListener("click", () => shown.close());
  shown.addEventListener("close", () => shown.remove());
  document.body.append(shown);
  shown.showModal();
  navigator.wakeLock?.request("screen").catch(() => {});
}

async function keep(until) {
  await navigator.serviceWorker.register("/d/sw.js");
  const fresh = await fetch(page);
  if (!fresh.ok) return;
  const headers = new Headers(fresh.headers);
  headers.set("kept-until", until);
  const cache = await caches.open(KEPT);
  await cache.put(page, new Response(await fresh.blob(), { headers }));
  const made = document.querySelectorAll("link[href], script[src]");
  await cache.addAll([...made].map((part) => part.href || part.src));
  pass.dataset.kept = "";
}

async function forget() {
  const cache = await caches.open(KEPT);
  await cache.delete(page);
  const left = (await cache.keys()).some(({ url }) => new URL(url).pathname.startsWith("/d/"));
  if (left) return;
  await caches.delete(KEPT);
  for (const each of await navigator.serviceWorker.getRegistrations()) await each.unregister();
}

for (const link of pass.querySelectorAll("a.qr")) link.addEventListener("click", fill);
if (navigator.serviceWorker && navigator.onLine && !document.forms.length) {
  (pass.dataset.keep ? keep(pass.dataset.keep) : forget()).catch(() => {});
}
