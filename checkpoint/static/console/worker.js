// Keeps the console itself, so that it starts without a network. FILES and VERSION stand in front
// of this text: another version has another name, and the old one goes when nobody uses it.

const CACHE = `console-${VERSION}`;
const WORDS = "/api/v1/gate/words";
const SAID = ["zh", "en"].map((lang) => `${WORDS}?lang=${lang}`);
const LAZY = /^\/static\/vendor\/zxing\//;

self.addEventListener("install", (event) => event.waitUntil(
  caches.open(CACHE).then((cache) => cache.addAll([...FILES, ...SAID])).then(() => self.skipWaiting())));

self.addEventListener("activate", (event) => event.waitUntil(
  caches.keys()
    .then((names) => Promise.all(names.filter((name) => name.startsWith("console-") && name !== CACHE)
      .map((name) => caches.delete(name))))
    .then(() => self.clients.claim())));

self.addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (event.request.method !== "GET") return;
  if (pathname === WORDS) event.respondWith(renewed(event));
  else if (LAZY.test(pathname)) event.respondWith(keptOnce(event.request));
  else if (FILES.includes(pathname)) event.respondWith(kept(pathname, event.request));
});

const kept = async (pathname, request) =>
  (await caches.match(pathname, { cacheName: CACHE, ignoreVary: true })) ?? fetch(request);

async function keptOnce(request) {
  const known = await caches.match(request, { cacheName: CACHE, ignoreVary: true });
  return known ?? keep(request);
}

/** What is known at once; a newer one is fetched for the next time. */
async function renewed(event) {
  const known = await caches.match(event.request, { cacheName: CACHE, ignoreVary: true });
  const fresh = keep(event.request);
  if (!known) return fresh;
  event.waitUntil(fresh.catch(() => undefined));
  return known;
}

async function keep(request) {
  const answer = await fetch(request);
  if (answer.ok) await (await caches.open(CACHE)).put(request, answer.clone());
  return answer;
}
