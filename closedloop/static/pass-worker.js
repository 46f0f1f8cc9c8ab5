// Shows a pass that this telephone has opened where there is no network. It keeps nothing itself:
// pass.js keeps the opened page and what that page is made of, and nothing else is ever found here.
const KEPT = "passes";
const PATIENCE = 5000; // ms after which a network that does not answer is none

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  if (event.request.method === "GET") event.respondWith(answer(event.request));
});

async function answer(request) {
  const copy = await kept(request);
  if (!copy) return fetch(request);
  const network = fetch(request).then((fresh) => (fresh.status >= 500 ? copy : fresh));
  const patience = new Promise((done) => setTimeout(() => done(copy), PATIENCE));
  return Promise.race([network.catch(() => copy), patience]);
}

async function kept(request) {
  const options = { cacheName: KEPT, ignoreSearch: true, ignoreVary: true };
  const copy = await caches.match(request, options);
  const until = copy?.headers.get("kept-until");
  if (!until || Date.parse(until) > Date.now()) return copy;
  await (await caches.open(KEPT)).delete(request, options);
  return undefined;
}
