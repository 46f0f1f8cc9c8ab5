// The firm's page without a network: a tap on "arrived" is kept on this device with its time and sent when
// the network is back. Each carries the id that the page gave it, so that sending twice is one arrival.
const STORE = "firm-queue";
const REFUSED = "firm-refused";
const AGAIN = 15_000;
const list = document.querySelector("[data-firm]");
const told = document.querySelector("[data-firm-queue]");

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
  const answer = await fetch("/api/v1/events", {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrftoken": token() },
    body: JSON.stringify({ events: queue }),
  }).catch(() => null);
  if (!answer?.ok) return;
  const { results } = await answer.json();
  const done = new Set(results.map((each) => each.id));
  keep(kept().filter((each) => !done.has(each.id)));
  const refused = results.filter((each) => each.status === "refused" || each.status === "conflict").length;
  if (refused) sessionStorage.setItem(REFUSED, Number(sessionStorage.getItem(REFUSED) ?? 0) + refused);
  if (!kept().length) location.reload();
}

function later(form) {
  const said = new FormData(form);
  const entry = { id: said.get("event_id"), movement_id: Number(said.get("movement_id")), kind: "confirm", occurred_at: new Date().toISOString() };
  keep([...kept().filter((each) => each.id !== entry.id), entry]);
  const button = form.querySelector("button");
  button.disabled = true;
  button.textContent = list.dataset.queued;
}

list?.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[action='/firm/arrived']")) return;
  event.preventDefault();
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

keep(kept());
// What was refused after all is told once more on the renewed page: its truck still stands in the list.
const not = document.querySelector("[data-firm-refused]");
const number = sessionStorage.getItem(REFUSED);
if (number) {
  not.hidden = false;
  not.querySelector("[data-count]").textContent = number;
  sessionStorage.removeItem(REFUSED);
}
addEventListener("online", send);
setInterval(send, AGAIN);
send();
