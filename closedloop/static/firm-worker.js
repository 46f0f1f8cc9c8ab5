// Shows the firm's two pages where there is no network, as they were last seen, and marked as old. They are
// kept for one account on this device (kernel/static/own.js), and for one shift.
const KEPT = "own";
const LIST = "/firm";
const SCREEN = "/firm/screen";
const PATIENCE = 5000; // ms after which a network that does not answer is none
const HOUR = 3600_000;
const LIVES = 12 * HOUR; // as long as a log-in
const ANY = { ignoreVary: true };
const SLACK = 300_000; // by which this device's clock may be put back

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { origin, pathname } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== self.location.origin) return;
  if (pathname === LIST || pathname === SCREEN) event.respondWith(page(event, pathname));
  else if (pathname.startsWith("/static/")) event.respondWith(part(event.request));
});

async function part(request) {
  const copy = await caches.match(request, { cacheName: KEPT, ...ANY }).catch(() => undefined);
  return copy ?? fetch(request);
}

async function page(event, path) {
  // Opened before anything is asked: whatever is forgotten meanwhile stays forgotten.
  const cache = await caches.open(KEPT).catch(() => null);
  const network = fetch(event.request);
  event.waitUntil(network.then((fresh) => seen(cache, event.request, path, fresh)).catch(() => {}));
  const copy = cache && (await kept(cache, path).catch(() => null));
  if (!copy) return network;
  const patience = new Promise((done) => setTimeout(done, PATIENCE, copy));
  return Promise.race([network.then((fresh) => (fresh.status >= 500 ? copy : fresh), () => copy), patience]);
}

const ended = (fresh) =>
  fresh.type === "opaqueredirect" || fresh.redirected || fresh.status === 401 || fresh.status === 403;

async function seen(cache, request, path, fresh) {
  if (ended(fresh)) return void (await caches.delete(KEPT));
  if (!cache || !fresh.ok || new URL(request.url).searchParams.has("skip")) return;
  const now = await keep(cache, path, fresh.clone());
  if (path !== LIST || (await age(now, SCREEN)) < HOUR) return;
  const screen = await fetch(SCREEN);
  if (screen.ok && !screen.redirected) await keep(now, SCREEN, screen);
}

const age = async (cache, path) => {
  const copy = await cache.match(path, ANY);
  return copy ? Date.now() - Number(copy.headers.get("kept-at")) : Infinity;
};

const parts = (text) => [...text.matchAll(/(?:href|src)="(\/static\/[^"]+)"/g)].map(([, part]) => part);

/** Whoever is logged in is named in the head of every page; here the mark is enough. */
const nameless = (text) => text.replace(/<a href="\/me">[^<]*<\/a>/, "");
/** The digits of this shift are kept, and not what makes those of every other. */
const secretless = (text) => text.replace(/ data-secret="[^"]*"/, "");

/** One after the other, so that none tidies away what another is about to need. */
let turn = Promise.resolve();
const keep = (cache, path, fresh, at = Date.now()) =>
  (turn = turn.catch(() => {}).then(() => keepNow(cache, path, fresh, at)));

/** The cache in which it is now: what another account left is forgotten, not added to. A page with something
 * that was typed and not sent (`?fresh=1` opens it without) is not kept. */
async function keepNow(cache, path, fresh, at) {
  const text = secretless(nameless(await fresh.text()));
  const owner = /data-account="(\w+)"/.exec(text)?.[1];
  if (!owner || text.includes("?fresh=1")) return cache;
  const others = (await cache.matchAll()).map(({ headers }) => headers.get("kept-for"));
  if (others.some((other) => other && other !== owner)) {
    await caches.delete(KEPT);
    cache = await caches.open(KEPT);
  }
  for (const each of parts(text)) if (!(await cache.match(each, ANY))) await cache.add(each);
  const headers = new Headers(fresh.headers);
  headers.set("kept-at", at);
  headers.set("kept-for", owner);
  await cache.put(path, new Response(text, { headers }));
  await tidy(cache);
  return cache;
}

/** Files of versions that neither page asks for any more. */
async function tidy(cache) {
  const pages = await Promise.all([LIST, SCREEN].map(async (path) => (await cache.match(path, ANY))?.text() ?? ""));
  const needed = new Set(pages.flatMap(parts));
  for (const { url } of await cache.keys()) {
    const { pathname, search } = new URL(url);
    if (pathname.startsWith("/static/") && !needed.has(pathname + search)) await cache.delete(url, ANY);
  }
}

async function kept(cache, path) {
  // Whichever is asked for, neither outlives the shift.
  for (const each of [LIST, SCREEN]) if ((await age(cache, each)) >= LIVES) await cache.delete(each, ANY);
  const copy = await cache.match(path, ANY);
  if (!copy || (await age(cache, path)) < -SLACK) return null;
  const text = await copy.text();
  const at = copy.headers.get("kept-at");
  const marked = text.replace("<html ", `<html data-kept-at="${at}" `).replace("data-firm-kept hidden", "data-firm-kept");
  return new Response(marked, { headers: copy.headers });
}
