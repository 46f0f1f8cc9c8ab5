// From what was read to the card, without a network: which pass it is, what the rules say of it,
// whether it was shown a moment ago, and whether the bundle is new enough to let anybody through.

import { importKeys, verifyPass } from "../verify-pass.js";
import { bytes, encode } from "./bytes.js";
import { judge, plain } from "./judge.js";

const DIGITS = 24;
const OFFLINE = 210;
const HOUR = 3_600_000;
/** Older than this a bundle lets nobody through: yellow, with its age (mission, time limits). */
export const STALE = 24 * HOUR;
const PLATE = /^[\p{Script=Han}A-Z][A-Z0-9\p{Script=Han}]{5,8}$/u;
const PAYMENT = /^(?:1[0-5]\d{16}|(?:2[5-9]|30)\d{14,22})$/;
const POSTER = /^https?:\/\/[^/]+\/t\/[0-9A-HJKMNP-TV-Z]{10}\/?$/i;
const LEAST_NEARLY = 22;
const MOST_NEARLY = 26;

/** The key under which the bundle has a pass number. */
export async function keyOf(number) {
  return encode(await crypto.subtle.digest("SHA-256", bytes(number))).slice(0, 22);
}

/** ISO 7064 MOD 11,10 over all but the last digit. */
export function checkDigit(digits) {
  let product = 10;
  for (const digit of digits) product = (((product + Number(digit)) % 10 || 10) * 2) % 11;
  return String((11 - product) % 10);
}

/** {kind: "pass" | "plate" | a kind of wrong code, text} of whatever was read or typed. */
export function classify(read, hints) {
  const text = read.normalize("NFKC").trim();
  const number = text.replace(/[\s\-‐-―_]+/gu, "");
  if (PAYMENT.test(number)) return { kind: "payment_code", text };
  if (/^\d+$/.test(number)) {
    if (number.length === DIGITS) {
      const right = checkDigit(number.slice(0, -1)) === number.at(-1);
      return right ? { kind: "pass", text: number } : { kind: "pass_mistyped", text };
    }
    if (number.length >= OFFLINE) return { kind: "pass", text: number };
    const nearly = number.length >= LEAST_NEARLY && number.length <= MOST_NEARLY;
    return { kind: nearly ? "pass_mistyped" : "text", text };
  }
  if (POSTER.test(text)) return { kind: "place_code", text };
  const folded = text.toLowerCase();
  const hinted = hints.find(([, words]) => words.some((word) => folded.includes(word)));
  if (hinted) return { kind: hinted[0], text };
  if (/^https?:\/\/[^/?#]/i.test(text)) return { kind: "url", text };
  const plate = plain(text);
  return PLATE.test(plate) ? { kind: "plate", text: plate } : { kind: "text", text };
}

export class Decider {
  constructor(store) {
    this.store = store;
    this.keys = null;
  }

  /**
   * What a scan comes to: {card, reasons, pass, key, number, plate, rules, stale}. `seen` is the
   * plate that the officer read, `now` the device's time put right, in ms.
   */
  async decide(said, { seen = "", now, hints }) {
    const { kind, text } = classify(said, hints);
    if (kind !== "pass" && kind !== "plate") {
      return { card: "wrong_code", reasons: [{ code: kind, facts: {} }], pass: null, key: null };
    }
    const bundle = await this.store.get("bundle");
    const found = kind === "plate" ? await this.byPlate(text) : await this.byNumber(text, bundle);
    const base = { number: kind === "pass" ? text : "", plate: kind === "plate" ? text : "" };
    if (found.refused) {
      return { ...base, card: "wrong_code", reasons: [{ code: found.refused, facts: {} }], pass: null };
    }
    if (!found.pass || !bundle) {
      const reasons = [{ code: "unknown_here", card: "yellow", facts: {} }];
      return { ...base, card: "yellow", reasons, pass: found.signed ?? null, key: null };
    }
    return { ...base, ...found, ...this.judged(found.pass, bundle, seen, now) };
  }

  async byPlate(plate) {
    const [key, pass] = (await this.store.byPlate(plate)) ?? [null, null];
    return { key, pass };
  }

  async byNumber(number, bundle) {
    if (number.length === DIGITS) {
      const key = await keyOf(number);
      return { key, pass: (await this.store.pass(key)) ?? null };
    }
    try {
      const signed = await verifyPass(number, await this.passKeys(bundle));
      const [key, pass] = (await this.store.found("movement", signed.movement_id)) ?? [null, null];
      return { key, pass, signed: { p: signed.plate, t: signed.trailer_plate } };
    } catch (error) {
      return { refused: error.message };
    }
  }

  async passKeys(bundle) {
    const list = bundle?.keys ?? (await this.store.get("device"))?.keys ?? [];
    if (this.keys?.list !== list) this.keys = { list, imported: await importKeys(list) };
    return this.keys.imported;
  }

  judged(pass, bundle, plateSeen, at) {
    const rules = rulesAt(bundle.rules, at);
    if (pass.s === "held") {
      return { card: "red", reasons: [{ code: "under_hold", card: "red", facts: {} }], rules };
    }
    const seen = plain(plateSeen);
    const other = seen && ![pass.p, pass.t].includes(seen);
    const twin = other ? null : duplicate(pass, rules, at);
    if (twin) return { card: "duplicate", reasons: [twin], rules };
    const { card, failures, priority } = judge(pass, rules, { at, plateSeen, sources: bundle.sources });
    const age = at - bundle.made_at;
    if (age <= STALE || !["green", "yellow"].includes(card)) return { card, reasons: failures, rules, priority };
    const stale = { code: "stale_bundle", card: "yellow", facts: { hours: Math.floor(age / HOUR) } };
    return { card: "yellow", reasons: [stale, ...failures], rules };
  }
}

const rulesAt = (all, at) => all.filter((each) => each.from <= at).at(-1)?.body ?? all[0].body;

/** The same pass soon after its green card (not after yellow or white, which may come again). */
function duplicate({ l }, rules, at) {
  if (l?.card !== "green") return null;
  const since = at - l.at;
  if (since < 0 || since > rules.limits.duplicate_minutes * 60_000) return null;
  return { code: "duplicate", card: "duplicate", facts: { gate: l.gate, at: l.at } };
}
