// A venue's screen asks for new visitors every few seconds, and says when it cannot. Nothing moves while
// somebody has a finger or the focus in the list; the reader's field keeps the focus.
const POLL = 4_000;
const LOST = 30_000;
const list = document.querySelector("[data-venue]");

if (list) {
  const told = Object.assign(document.createElement("p"), { className: "note stale", hidden: true, role: "status" });
  let heard = Date.now();
  told.textContent = list.dataset.lost;
  list.before(told);
  const busy = () => list.matches(":hover") || list.contains(document.activeElement);
  const load = async () => {
    const answer = await fetch(list.dataset.venue, { headers: { Accept: "text/html" } }).catch(() => null);
    if (answer?.ok && !answer.redirected) {
      heard = Date.now();
      const rows = await answer.text();
      if (!busy()) list.innerHTML = rows;
    }
    told.hidden = Date.now() - heard < LOST;
  };
  setInterval(() => { if (!document.hidden) load(); }, POLL);
}
