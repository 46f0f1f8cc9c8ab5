// A team's telephone without a network: what was found is kept on this device with its time and sent when the
// network is back. Each carries the id that the page gave it, so that sending twice is one visit. One with a photo
// goes by itself, as its form; the photo waits in a cache of its own.
const STORE = "street-queue";
const PHOTOS = "street-photos";
const AGAIN = 15_000;
const list = document.querySelector("[data-street]");
const told = document.querySelector("[data-street-queue]");
const not = document.querySelector("[data-street-refused]");

const kept = () => JSON.parse(localStorage.getItem(STORE) ?? "[]");

function keep(queue) {
  localStorage.setItem(STORE, JSON.stringify(queue));
  told.hidden = !queue.length;
  told.querySelector("[data-count]").textContent = queue.length;
}

const token = () => document.querySelector("input[name=_csrf_token]")?.value ?? "";

const photoAt = (id) => `/supervision/kept-photo/${id}`;

let sending = false;
async function send() {
  if (sending) return;
  sending = true;
  try {
    const refused = (await sendPlain()) + (await sendPhotos());
    not.hidden = !refused && not.hidden;
    not.querySelector("[data-count]").textContent = Number(not.querySelector("[data-count]").textContent) + refused;
  } finally {
    sending = false;
  }
}

function done(ids, refused) {
  const had = kept().length;
  keep(kept().filter((each) => !ids.has(each.id)));
  if (had && !kept().length && !refused && not.hidden) location.reload();
  return refused;
}

// The form is what it was at the place: the hour of then goes with it.
async function sendPhotos() {
  let refused = 0;
  for (const entry of kept().filter((each) => each.photo)) {
    const form = await formOf(entry);
    const answer = await fetch(entry.action, { method: "POST", body: form }).catch(() => null);
    if (!answer || waits(answer)) break;
    const bad = answer.redirected ? 0 : 1;
    await (await caches.open(PHOTOS)).delete(photoAt(entry.id));
    refused += done(new Set([entry.id]), bad);
  }
  return refused;
}

// Nobody has said no to it: the service is away or full, or whoever sends must log in again.
const waits = (answer) =>
  answer.status >= 500 || [401, 403, 408, 429].includes(answer.status) || new URL(answer.url).pathname === "/login";

async function formOf(entry) {
  const form = new FormData();
  for (const [name, value] of entry.said) form.append(name, value);
  form.append("_csrf_token", token());
  const photo = await (await caches.open(PHOTOS)).match(photoAt(entry.id));
  if (photo) form.append("photo", await photo.blob(), "photo.jpg");
  return form;
}

async function sendPlain() {
  const queue = kept().filter((each) => !each.photo);
  if (!queue.length) return 0;
  const answer = await fetch("/api/v1/supervision/visits", {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrftoken": token() },
    body: JSON.stringify({ visits: queue.slice(0, 200) }),
  }).catch(() => null);
  if (!answer?.ok) return 0;
  const { results } = await answer.json();
  const refused = results.filter((each) => each.status === "refused" || each.status === "conflict").length;
  return done(new Set(results.map((each) => each.id)), refused);
}

const chosen = (said) => said.get("photo")?.size > 0;

async function later(form, said) {
  const entry = chosen(said) ? await withPhoto(form, said) : plain(said);
  keep([...kept().filter((each) => each.id !== entry.id), entry]);
  put(form.closest("[data-row]"));
}

async function withPhoto(form, said) {
  const id = said.get("event_id");
  await (await caches.open(PHOTOS)).put(photoAt(id), new Response(said.get("photo")));
  const texts = [...said].filter(([name, value]) => typeof value === "string" && name !== "_csrf_token");
  return { id, due_id: Number(said.get("due_id")), photo: true, action: form.action, said: texts };
}

function plain(said) {
  const entry = {
    id: said.get("event_id"),
    round_id: list.dataset.round,
    due_id: Number(said.get("due_id")),
    findings: said.getAll("finding"),
    note: said.get("note"),
    visited_at: said.get("visited_at"),
  };
  if (said.get("result")) entry.test = { gate: said.get("gate"), result: said.get("result") };
  return entry;
}

// The place is done for this device; the next one opens.
function put(row) {
  row.open = false;
  row.querySelector("form").hidden = true;
  row.querySelector("summary").textContent += ` – ${list.dataset.queued}`;
  row.dataset.kept = "yes";
  const next = list.querySelector("[data-row]:not([data-kept])");
  if (next) next.open = true;
}

list?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const said = new FormData(form);
  // The answer may be lost on the way: what is kept then must be what was sent.
  said.set("visited_at", new Date().toISOString());
  try {
    const answer = await fetch(form.action, { method: "POST", body: said });
    if (answer.redirected) location.assign(answer.url);
    else {
      document.open();
      document.write(await answer.text());
      document.close();
    }
  } catch {
    await later(form, said);
  }
});

if (list) {
  keep(kept());
  const waiting = new Set(kept().map((each) => String(each.due_id)));
  for (const row of list.querySelectorAll("[data-row]")) if (waiting.has(row.dataset.row)) put(row);
  addEventListener("online", send);
  setInterval(send, AGAIN);
  send();
}
