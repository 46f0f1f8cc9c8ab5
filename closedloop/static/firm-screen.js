// The digits of the minute on the firm's own screen, as closedloop/rolling.py makes them (RFC 6238 with
// SHA-256). They go on turning without a network; the clock is the server's, carried on by this device, also
// from when a page was kept until it is opened again. A kept page has the digits of one shift, and no secret.
const screen = document.querySelector("[data-screen]");
const { seconds, digits } = screen.dataset;
const codes = screen.dataset.codes.split(" ");
const { keptAt } = document.documentElement.dataset;
const since = keptAt ? Date.now() - Number(keptAt) : 0;
const began = { server: Number(screen.dataset.now) + since, here: performance.now() };
const now = () => began.server + (performance.now() - began.here);
const stepAt = (ms) => Math.floor(ms / 1000 / seconds);
const first = stepAt(Number(screen.dataset.now));

export async function code(key, number, length) {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(number));
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, counter.buffer));
  const offset = mac.at(-1) & 0x0f;
  const value = new DataView(mac.buffer).getUint32(offset) & 0x7fffffff;
  return String(value % 10 ** length).padStart(length, "0");
}

async function keyOf(secret) {
  if (!secret) return null;
  const bytes = Uint8Array.from(atob(secret), (c) => c.charCodeAt(0));
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

const key = await keyOf(screen.dataset.secret);
let shown = null;

async function turn() {
  const step = stepAt(now());
  if (step === shown) return;
  shown = step;
  const said = key ? await code(key, step, Number(digits)) : (codes[step - first] ?? "------");
  screen.querySelector("[data-code]").textContent = `${said.slice(0, 3)} ${said.slice(3)}`;
  const until = new Date((shown + 1) * seconds * 1000);
  const time = screen.querySelector("[data-until]");
  time.dateTime = until.toISOString();
  time.textContent = until.toLocaleTimeString(document.documentElement.lang, { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit" });
}

setInterval(turn, 500);
await turn();
