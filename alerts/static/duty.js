// The duty desk's keyboard: j and k go from row to row, Enter opens one, c claims it. Every key is a
// button as well. A claim is sent without leaving the page, so that rows stay where they are.
const list = document.querySelector("[data-keys]");
const rows = () => [...list.querySelectorAll("[data-row]:has([data-open])")];
const typing = (target) => target.closest("input, select, textarea, [contenteditable]") !== null;

function current() {
  return document.activeElement?.closest?.("[data-row]") ?? null;
}

function go(step) {
  const all = rows();
  const at = all.indexOf(current());
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  next?.querySelector("[data-open]").focus();
}

async function send(button) {
  const id = button.closest("[data-row]").dataset.row;
  const answer = await fetch(button.formAction, { method: "POST", body: new URLSearchParams(new FormData(button.form)) });
  if (!answer.ok) {
    document.open();
    document.write(await answer.text());
    document.close();
    return;
  }
  const fresh = await fetch(list.dataset.fragment, { headers: { Accept: "text/html" } });
  if (fresh.ok) list.innerHTML = await fresh.text();
  list.querySelector(`[data-row="${CSS.escape(id)}"] [data-open]`)?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const step = { j: 1, k: -1 }[event.key];
  if (step) go(step);
  else if (event.key === "c") current()?.querySelector("button[data-claim]")?.click();
  else return;
  event.preventDefault();
});

list?.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-claim]");
  if (!button) return;
  event.preventDefault();
  send(button).catch(() => button.form.requestSubmit(button));
});
