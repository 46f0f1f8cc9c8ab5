// Renews the status page once a minute while somebody looks; where nothing answers, it says so.
const EVERY = 60_000;
const lost = document.querySelector("[data-lost]");

async function renew() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-renew]");
    lost.hidden = fresh !== null;
    if (fresh) document.querySelector("[data-renew]").replaceWith(fresh);
  } catch {
    lost.hidden = false;
  }
}

setInterval(renew, EVERY);
