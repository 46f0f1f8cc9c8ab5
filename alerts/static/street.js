// A team's telephone without a network: what was found is kept on this device with its time and sent when the
// network is back. Each carries the id that the page gave it, so that sending twice is one visit.
const STORE = "street-queue";
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

async function send() {
  const queue = kept();
  if (!queue.length) return;
  const answer = await fetch("/api/v1/supervision/visits", {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrftoken": token() },
    body: JSON.stringify({ visits: queue.slice(0, 200) }),
  }).catch(() => null);
  if (!answer?.ok) return;
  const { results } = await answer.json();
  const done = new Set(results.map((each) => each.id));
  keep(kept().filter((each) => !done.has(each.id)));
  const refused = results.filter((each) => each.status === "refused" || each.status === "conflict").length;
  not.hidden = !refused;
  not.querySelector("[data-count]").textContent = refused;
  if (!kept().length && !refused) location.reload();
}

function later(form) {
  const said = new FormData(form);
  const entry = {
    id: said.get("event_id"),
    round_id: list.dataset.round,
    due_id: Number(said.get("due_id")),
    findings: said.getAll("finding"),
    note: said.get("note"),
    visited_at: new Date().toISOString(),
  };
  if (said.get("result")) entry.test = { gate: said.get("gate"), result: said.get("result") };
  keep([...kept().filter((each) => each.id !== entry.id), entry]);
  put(form.closest("[data-row]"));
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
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (answer.redirected) location.assign(answer.url);
    else {
      document.open();
      document.write(await answer.text());
      document.close();
    }
  } catch {
    later(form);
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
