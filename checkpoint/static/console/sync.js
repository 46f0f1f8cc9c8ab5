// Speaking with the server: a key that cannot leave, a session, the bundle, and the outbox.
// Automatic, never in anybody's way: it tries, waits longer each time, and tries again.

import { bytes, decode, encode } from "./bytes.js";

const API = "/api/v1";
const KEY = { name: "ECDSA", namedCurve: "P-256" };
const ES256 = { name: "ECDSA", hash: "SHA-256" };
const SESSION = "checkpoint-gate-session:";
const BUNDLE = "checkpoint gate bundle\0";
const BATCH = 100;
const PATIENCE = 15_000;
const PULL_EVERY = 60_000;
const SHORTEST = 1_000;
const LONGEST = 60_000;
/** A session that ends sooner than this is renewed. */
const MARGIN = 60_000;

/** The server was reached, and said no: `code` is its word. */
export class Refused extends Error {
  constructor(status, code, detail) {
    super(detail);
    Object.assign(this, { status, code });
  }
}

export class Sync {
  /** `changed` is called whenever there is something new to show. */
  constructor(store, changed) {
    Object.assign(this, { store, changed, online: false, revoked: false, wait: SHORTEST });
    this.running = null;
    this.pulled = 0;
  }

  start() {
    const soon = () => this.soon(0);
    addEventListener("online", soon);
    addEventListener("offline", () => this.reached(false));
    document.addEventListener("visibilitychange", soon);
    this.soon(0);
  }

  soon(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.run(), delay);
  }

  /** One round: what waits goes out, what is new comes in. At most one at a time. */
  async run() {
    this.running ??= this.round().finally(() => { this.running = null; });
    return this.running;
  }

  async round() {
    try {
      if (!(await this.store.get("device"))) return;
      await this.push();
      if (Date.now() - this.pulled > PULL_EVERY) await this.pull();
      this.reached(true);
      this.wait = SHORTEST;
      this.soon(PULL_EVERY);
    } catch (error) {
      this.revoked = error instanceof Refused && error.code === "device_revoked";
      this.reached(error instanceof Refused);
      this.wait = Math.min(this.wait * 2, LONGEST);
      this.soon(this.wait);
    }
  }

  reached(online) {
    this.online = online;
    this.changed();
  }

  async push() {
    for (;;) {
      const entries = await this.store.waiting(BATCH);
      if (!entries.length) return;
      // Whatever is sent from here was not answered at once: its time is the device's.
      const scans = entries.map(({ scan }) => ({ ...scan, offline: true }));
      const { results } = await this.ask("POST", "/scans", { scans });
      await this.store.acknowledge(entries, results);
      this.changed();
    }
  }

  /** One scan while somebody looks at its card: the server's card, or null if it takes too long. */
  async live(entry, patience) {
    if (!this.online) return null;
    try {
      const scans = [{ ...entry.scan, offline: false }];
      const { results } = await this.ask("POST", "/scans", { scans }, patience);
      await this.store.acknowledge([entry], results);
      return results[0];
    } catch {
      this.soon(SHORTEST);
      return null;
    }
  }

  async pull() {
    const known = await this.store.get("bundle");
    const asked = new URLSearchParams({ waiting: await this.store.countWaiting(), ...(known && { since: known.cursor }) });
    const said = await this.ask("GET", `/gate/bundle?${asked}`);
    const keys = known?.keys ?? (await this.store.get("device")).keys;
    await verify(said, keys);
    const bundle = JSON.parse(said.signed);
    await this.store.apply(bundle);
    await this.store.set({ offset: bundle.made_at - Date.now() });
    this.pulled = Date.now();
    this.changed();
  }

  async ask(method, path, body, patience = PATIENCE) {
    const token = await this.session();
    try {
      return await call(method, path, body, { authorization: `Bearer ${token}` }, patience);
    } catch (error) {
      if (error.status === 401) await this.store.set({ session: null });
      throw error;
    }
  }

  async session() {
    const known = await this.store.get("session");
    if (known && known.until - MARGIN > Date.now()) return known.token;
    const [device, key] = [await this.store.get("device"), await this.store.get("key")];
    const { nonce } = await call("POST", "/gate/challenge", { device: device.id });
    const signature = encode(await crypto.subtle.sign(ES256, key.privateKey, bytes(SESSION + nonce)));
    const said = await call("POST", "/gate/session", { device: device.id, nonce, signature });
    const until = Date.now() + Date.parse(said.expires_at) - Date.parse(said.server_time);
    await this.store.set({ session: { token: said.token, until } });
    return said.token;
  }

  /** The key is made once, and kept before the server hears of it: said again, it is the same. */
  async enrol(code) {
    const key = (await this.store.get("key")) ?? (await crypto.subtle.generateKey(KEY, false, ["sign"]));
    await this.store.set({ key });
    const { x, y } = await crypto.subtle.exportKey("jwk", key.publicKey);
    const said = await call("POST", "/gate/enrol", { code, public_key: { x, y } });
    const { device: id, name, place, keys } = said;
    await this.store.set({ device: { id, name, place, keys }, session: null });
    this.revoked = false;
    await this.run();
  }
}

async function call(method, path, body, headers = {}, patience = PATIENCE) {
  const answer = await fetch(API + path, {
    method,
    body: body && JSON.stringify(body),
    // Refusals come in the words that the console speaks, whatever the browser does.
    headers: { "content-type": "application/json", "accept-language": document.documentElement.lang, ...headers },
    signal: AbortSignal.timeout(patience),
    credentials: "omit",
    cache: "no-store",
  });
  const said = await answer.json();
  if (!answer.ok) throw new Refused(answer.status, said.code, said.detail);
  return said;
}

/** Throws where the bundle was not signed by a key that was known before. */
async function verify({ signed, signature, kid }, keys) {
  const known = keys.find((key) => key.kid === kid);
  if (!known) throw new Error("bundle_key_unknown");
  const jwk = { kty: "EC", crv: "P-256", x: known.x, y: known.y };
  const key = await crypto.subtle.importKey("jwk", jwk, KEY, false, ["verify"]);
  const fits = await crypto.subtle.verify(ES256, key, decode(signature), bytes(BUNDLE + signed));
  if (!fits) throw new Error("bundle_forged");
}
