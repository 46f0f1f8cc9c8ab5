// A list that follows the server: <div data-live="/events" data-fragment="/rows" data-new-text data-age-text data-lost-text>.
// Rows never move under the pointer: while somebody hovers or has focus inside, new rows wait behind a button.
const POLL = 15_000;
const STALE = 120_000;

const ids = (root) => new Set([...root.querySelectorAll("[data-row]")].map((row) => row.dataset.row));

function follow(list) {
  const bar = document.createElement("div");
  const age = document.createElement("span");
  const more = document.createElement("button");
  const text = (name, n) => (list.dataset[name] ?? "{n}").replace("{n}", n);
  let waiting = null;
  let fresh = Date.now();
  let polling = 0;
  bar.className = "livebar";
  age.className = "muted num";
  Object.assign(more, { className: "btn line", type: "button", hidden: true });
  more.setAttribute("aria-live", "polite");
  bar.append(age, more);
  list.before(bar);

  const busy = () => [list, bar].some((e) => e.matches(":hover") || e.contains(document.activeElement));
  const show = () => {
    if (waiting === null) return;
    list.innerHTML = waiting;
    waiting = null;
    more.hidden = true;
  };
  const take = (html) => {
    fresh = Date.now();
    const probe = document.createElement("template");
    probe.innerHTML = html;
    waiting = probe.innerHTML.trim() === list.innerHTML.trim() ? null : html;
    more.hidden = waiting === null;
    if (waiting === null || !busy()) return show();
    const known = ids(list);
    const n = [...ids(probe.content)].filter((id) => !known.has(id)).length;
    more.textContent = n ? text("newText", n) : list.dataset.changedText;
  };
  const load = () => fetch(list.dataset.fragment, { headers: { Accept: "text/html" } })
    .then((answer) => (answer.ok ? answer.text().then(take) : undefined)).catch(() => undefined);
  const tick = () => {
    const old = Date.now() - fresh;
    list.classList.toggle("stale-tile", old > STALE);
    age.textContent = text(old > STALE ? "lostText" : "ageText", Math.round(old / 1000));
  };
  const source = new EventSource(list.dataset.live);
  source.onmessage = load;
  source.onopen = () => { clearInterval(polling); polling = 0; load(); };
  source.onerror = () => { polling ||= setInterval(load, POLL); };
  setInterval(() => { if (source.readyState === 1 && Date.now() - fresh > POLL) load(); tick(); }, 1000);
  more.addEventListener("click", show);
  const left = () => setTimeout(() => { if (!busy()) show(); }, 400); // time to reach the button
  for (const part of [list, bar]) ["pointerleave", "focusout"].forEach((name) => part.addEventListener(name, left));
}

document.querySelectorAll("[data-live]").forEach(follow);
