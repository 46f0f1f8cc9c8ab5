// The firm's list without a network: a tap on "arrived" is kept on this device, with its time and the account
// that tapped, before it is sent, and goes when the server has answered for it. Each carries the id that the
// page gave it, so that sending twice is one arrival. Another account's taps wait for their owner.
const REFUSED = "firm-refused";
const PLAIN = "firm-tap:";
const AGAIN = 15_000;
const PATIENCE = 5000; // ms after which a network that does not answer is none
const LONG = 60_000; // ms after which a sending without an answer is tried again
const MOST = 200;
const TAP = "form[action='/firm/arrived']";
const { account, keptAt } = document.documentElement.dataset;
const find = (what) => document.querySelector(what);

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/** Written to the disk before anybody is told; a tap is an entry of its own, so that tabs lose none. */
async function onDisk() {
  const opening = indexedDB.open("firm", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("taps", { keyPath: "id" });
  const db = await done(opening);
  const write = (act) => new Promise((resolve, reject) => {
    const transaction = db.transaction("taps", "readwrite", { durability: "strict" });
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    act(transaction.objectStore("taps"));
  });
  return {
    safe: true,
    all: () => done(db.transaction("taps").objectStore("taps").getAll()),
    put: (tap) => write((taps) => taps.put(tap)),
    drop: (ids) => write((taps) => ids.forEach((id) => taps.delete(id))),
  };
}

/** Where a browser has no database for us. */
const inText = {
  safe: false,
  all: async () => Object.keys(localStorage).filter((key) => key.startsWith(PLAIN)).map((key) => JSON.parse(localStorage[key])),
  put: async (tap) => localStorage.setItem(PLAIN + tap.id, JSON.stringify(tap)),
  drop: async (ids) => ids.forEach((id) => localStorage.removeItem(PLAIN + id)),
};
const opened = onDisk().catch(() => inText);
/** What no store would take, as long as the page is open. */
const loose = new Map();

async function all() {
  const kept = await (await opened).all().catch(() => []);
  return [...kept, ...loose.values()];
}

const own = async () => (await all()).filter((tap) => tap.account === account);

async function put(tap) {
  await (await opened).put(tap).catch(() => loose.set(tap.id, tap));
}

async function drop(ids) {
  ids.forEach((id) => loose.delete(id));
  await (await opened).drop(ids).catch(() => {});
}

function count(what, number) {
  const note = find(what);
  if (!note) return;
  note.hidden = !number;
  note.querySelector("[data-count]").textContent = number;
}

function wait(form) {
  const button = form.querySelector("button");
  button.disabled = true;
  button.classList.add("line");
  button.textContent = `△ ${find("[data-firm]").dataset.queued}`;
  const tick = form.closest("tr").querySelector("[name=truck]");
  tick.checked = false;
  tick.disabled = true;
}

async function show() {
  const taps = await all();
  const mine = taps.filter((tap) => tap.account === account);
  count("[data-firm-queue]", mine.length);
  count("[data-firm-others]", taps.length - mine.length);
  const safe = (await opened).safe && !loose.size;
  find("[data-safe]").hidden = !safe;
  find("[data-unsafe]").hidden = safe;
  const waiting = new Set(mine.map((tap) => String(tap.movement_id)));
  for (const form of document.querySelectorAll(TAP)) if (waiting.has(form.elements.movement_id.value)) wait(form);
}

const tapped = (movement, id) =>
  ({ id, account, movement_id: Number(movement), kind: "confirm", occurred_at: new Date().toISOString() });

let token = find("input[name=_csrf_token]")?.value ?? "";

const post = (events) => fetch("/api/v1/events", {
  method: "POST",
  headers: { "content-type": "application/json", "x-csrftoken": token, "x-account": account },
  body: JSON.stringify({ events: events.map(({ account: _, ...event }) => event) }),
  signal: AbortSignal.timeout?.(LONG),
}).catch(() => null);

function logIn() {
  globalThis.caches?.delete("own").catch(() => {});
  location.assign("/login?next=/firm");
}

/** A kept page's token may be old. Whether there is a new one; who must log in is led there. */
async function renewed() {
  const fresh = await fetch("/firm").catch(() => null);
  if (!fresh?.ok || fresh.headers.has("kept-at")) return false;
  const page = new DOMParser().parseFromString(await fresh.text(), "text/html");
  if (fresh.redirected && new URL(fresh.url).pathname === "/login") logIn();
  if (page.documentElement.dataset.account !== account) return false;
  token = page.querySelector("input[name=_csrf_token]").value;
  return true;
}

async function send() {
  const taps = (await own()).slice(0, MOST);
  if (!taps.length) return;
  let answer = await post(taps);
  if (answer?.status === 403 && (await renewed())) answer = await post(taps);
  if (answer?.status === 401) return logIn();
  // Somebody else is logged in here now: their own page says that these wait for another.
  if (answer?.status === 409 && (await answer.json()).code === "other_account") return location.assign("/firm");
  if (!answer?.ok) return;
  const { results } = await answer.json();
  const refused = results.filter(({ status }) => status === "refused" || status === "conflict").length;
  if (refused) sessionStorage.setItem(REFUSED, Number(sessionStorage.getItem(REFUSED) ?? 0) + refused);
  await drop(results.map(({ id }) => id));
  await show();
  if (!(await own()).length) location.replace("/firm");
}

let sending = null;
const sendOnce = () => (sending ??= send().catch(() => {}).finally(() => (sending = null)));

/** What the answer to a form says in place of the page, with all that listens still listening. */
async function replace(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.title = page.title;
  find("main").replaceWith(page.querySelector("main"));
  find("#error-summary")?.focus();
  await show();
}

async function tap(form) {
  const { movement_id: movement, event_id: id } = form.elements;
  const body = new URLSearchParams(new FormData(form));
  form.querySelector("button").disabled = true;
  await put(tapped(movement.value, id.value));
  const signal = AbortSignal.timeout?.(PATIENCE);
  const sent = { method: "POST", body, headers: { "x-account": account }, signal };
  const answer = keptAt ? null : await fetch(form.action, sent).catch(() => null);
  const led = answer?.redirected && new URL(answer.url).pathname;
  if (led === "/login") return location.assign(answer.url);
  if (led !== "/firm" && answer?.status !== 422) {
    await show();
    return sendOnce();
  }
  await drop([id.value]);
  if (led) location.assign(answer.url);
  else await replace(answer);
}

async function many() {
  for (const { value } of document.querySelectorAll("[name=truck]:checked")) await put(tapped(...value.split(":")));
  await show();
  return sendOnce();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const without = keptAt || !navigator.onLine;
  if (!form.matches(TAP) && !(form.id === "many" && without)) return;
  event.preventDefault();
  (form.id === "many" ? many() : tap(form)).catch(() => {});
});

// What was refused after all is told once more on the renewed page: its truck still stands in the list.
count("[data-firm-refused]", Number(sessionStorage.getItem(REFUSED) ?? 0));
sessionStorage.removeItem(REFUSED);
addEventListener("online", sendOnce);
setInterval(sendOnce, AGAIN);
await show();
sendOnce();
