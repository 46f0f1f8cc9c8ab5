// The gate console: one screen at a time, decided here and told to the server afterwards.

import { Decider } from "./decide.js";
import { plain } from "./judge.js";
import { advice } from "./lanes.js";
import * as feedback from "./feedback.js";
import { Store } from "./store.js";
import { Sync } from "./sync.js";
import { card as cardView, h, speak, t } from "./view.js";
import * as screens from "./screens.js";
import { listen } from "./wedge.js";

const GREEN_STAYS = 1_200;
const WRONG_STAYS = 2_000;
const LIVE = 2_000; // ms in which the server may still change a card
const AGAIN = 3_000; // the same code within this is the same squeeze of the trigger
const BLANK = 30_000; // ms after which plates leave the screen
const DAY_BEGINS = 6;
const NIGHT_BEGINS = 18;

const uuid7 = () => {
  const time = Date.now().toString(16).padStart(12, "0");
  const [, , , ...rest] = crypto.randomUUID().split("-");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${rest[1].slice(0, 3)}-${rest[0]}-${rest[1]}`;
};

class Console {
  constructor(store, hints) {
    Object.assign(this, { store, hints, shown: null, screen: "ready", last: { text: "", at: -AGAIN } });
    this.practice = null;
    this.sync = new Sync(store, () => this.pill());
    this.decider = new Decider(store);
  }

  async start() {
    await this.theme();
    document.body.append(
      h("header.top", {}, h("div.bar", { id: "pill", role: "status" })),
      h("main.full", { id: "main" }),
      h("p.vh", { id: "said", "aria-live": "assertive" }),
    );
    listen((read) => this.scanned(read));
    setInterval(() => this.pill(), 1_000);
    this.sync.start();
    const device = await this.store.get("device");
    await this.show(device ? (await this.store.get("gate")) !== null ? "ready" : "selftest" : "enrol");
    navigator.storage?.persist?.();
  }

  /** The store that a scan goes to: the real one, or one that is thrown away. */
  get into() {
    return this.practice ?? this.store;
  }

  async show(screen) {
    this.screen = screen;
    const made = await screens[screen](this);
    document.getElementById("main").replaceChildren(...made.filter(Boolean));
    await this.pill();
  }

  /** Day or night by the hour unless somebody chose: headlights deceive light sensors. */
  async theme() {
    const chosen = await this.store.get("theme", "auto");
    const hour = new Date().getHours();
    const night = hour < DAY_BEGINS || hour >= NIGHT_BEGINS;
    document.documentElement.dataset.theme = chosen === "auto" ? (night ? "night" : "day") : chosen;
  }

  async now() {
    return Date.now() + (await this.store.get("offset", 0));
  }

  /** Whatever a scanner, the camera or a hand gives. The next truck pre-empts all but red. */
  async scanned(read) {
    const at = performance.now();
    if (!["ready", "keypad"].includes(this.screen)) return;
    if (this.shown?.card === "red" && !this.shown.seen) return;
    if (read === this.last.text && at - this.last.at < AGAIN) return;
    this.last = { text: read, at };
    await this.decide(read, {});
  }

  async decide(read, { seen = "", override = null }) {
    const now = await this.now();
    const found = await this.decider.decide(read, { seen, now, hints: this.hints });
    const card = override && found.card === "duplicate" ? "green" : found.card;
    const advised = card === "green" && (await this.advised(Boolean(found.priority)));
    const plate = found.pass?.p || found.plate;
    const wanted = await this.wanted(plate, found.pass?.t, seen);
    const shown = { ...found, card, read, advice: advised, plate, wanted, at: now, seenPlate: seen };
    if (card !== "wrong_code" && !(await this.kept(shown, override))) return;
    this.card(shown);
    if (shown.entry && !this.practice) await this.upgrade(shown);
  }

  /** Whether the truck is looked for: it should have arrived elsewhere long ago. */
  async wanted(...plates) {
    const watch = (await this.store.get("bundle"))?.watch ?? [];
    return plates.some((plate) => plate && watch.includes(plain(plate)));
  }

  /** What to tell the driver of the lane in which the truck stands. */
  async advised(priority) {
    const lanes = (await this.store.get("bundle"))?.place.lanes ?? [];
    const told = advice(lanes, await this.store.get("gate", ""), "in", priority);
    return told && t(`console.lane.${told.code}`, { gates: told.gates.join(t("console.lane.between")) || "–" });
  }

  /** A disk that is full or broken is told at once: such a truck is written on paper. */
  async kept(shown, override) {
    try {
      await this.keep(shown, override);
      return true;
    } catch {
      this.card({ ...shown, card: "yellow", reasons: [{ code: "not_kept" }], entry: null });
      return false;
    }
  }

  /** Stored before the card is painted: what an officer has seen is never lost. */
  async keep(shown, override) {
    const scan = {
      id: uuid7(),
      kind: "entry",
      place_id: (await this.store.get("device")).place.id,
      gate: await this.store.get("gate", ""),
      occurred_at: new Date().toISOString(),
      ...(shown.number ? { pass_number: shown.number } : { plate: shown.plate }),
      device: (await this.store.get("device")).id,
      clock: { monotonic: Math.round(performance.now()), offset: await this.store.get("offset", 0) },
      plate_seen: shown.seenPlate,
      card_shown: shown.card,
      rules_version: shown.rules?.version ?? null,
      ...(override ? { override: { reason: override } } : {}),
    };
    const traced = shown.key && {
      ...shown.pass,
      l: shown.card === "duplicate" ? shown.pass.l : { card: shown.card, at: shown.at, gate: scan.gate, place: scan.place_id },
    };
    const sequence = await this.into.keep(scan, shown.key, traced);
    shown.entry = { sequence, scan: { ...scan, sequence } };
  }

  card(shown) {
    this.shown = shown;
    this.screen = "ready";
    const [section, facts, spoken] = cardView(shown);
    const main = document.getElementById("main");
    main.replaceChildren(section, facts, screens.below(this, shown));
    document.getElementById("said").textContent = spoken;
    feedback.tell(shown.card);
    clearTimeout(this.leaving);
    const stays = { green: GREEN_STAYS, wrong_code: WRONG_STAYS }[shown.card] ?? BLANK;
    if (shown.card !== "red") this.leaving = setTimeout(() => this.ready(shown), stays);
    this.pill();
  }

  /** The server was asked meanwhile; where it knows better, the card turns and says so. */
  async upgrade(shown) {
    const result = await this.sync.live(shown.entry, LIVE);
    const better = result?.card && result.card !== shown.card && result.status === "recorded";
    if (better && this.shown === shown) {
      this.card({ ...shown, card: result.card, reasons: result.reasons, priority: result.priority,
        advice: result.advice, updated: true, entry: null });
    }
    if (!result) this.sync.soon(0);
  }

  async ready(shown) {
    if (this.shown !== shown || this.screen !== "ready") return;
    this.shown = null;
    await this.show("ready");
  }

  async pill() {
    const pill = document.getElementById("pill");
    if (pill) pill.replaceChildren(...(await screens.pill(this)).filter(Boolean));
  }
}

async function begin() {
  const store = await Store.open();
  const lang = await store.get("lang", document.documentElement.lang.startsWith("en") ? "en" : "zh");
  const words = await fetch(`/api/v1/gate/words?lang=${lang}`).then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)));
  speak(words);
  document.title = t("console.title");
  const made = new Console(store, words.hints);
  await made.start();
  navigator.serviceWorker?.register("/gate/sw.js", { scope: "/gate/" });
}

// Without words or storage there is no console: the page says so, and where to go.
begin().catch(() => document.body.append(document.getElementById("failed").content));
