// Reads a pass without a network: the same rules, in the same order, as registry/offline_pass.py.
// No dependency; WebCrypto and BigInt. Keys come from GET /api/v1/passes/keys.

const VERSION = 1;
const MOST_STOPS = 3;
const LONGEST_PLATE = 24; // bytes
const LEAST_DIGITS = 210;
const MOST_DIGITS = 400;
const SIGNATURE_BYTES = 64;
const CONTEXT = new TextEncoder().encode("checkpoint offline pass\0");
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const ES256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** Its message is the code: pass_malformed, pass_version_unknown, pass_key_unknown, pass_forged. */
export class Refused extends Error {}

/** From the list of the service to what `verifyPass` takes: key number → CryptoKey. */
export async function importKeys(list) {
  const imported = list.map(async ({ kid, x, y }) => {
    const jwk = { kty: "EC", crv: "P-256", x, y };
    return [Number(kid), await crypto.subtle.importKey("jwk", jwk, ES256, false, ["verify"])];
  });
  return new Map(await Promise.all(imported));
}

/**
 * What a pass says: {movement_id, window_from, window_to, entry_place_id, stops, plate,
 * trailer_plate}; times in Unix seconds. Throws Refused. Whether the window is open is for the
 * caller to say.
 */
export async function verifyPass(digits, keys) {
  if (typeof digits !== "string" || digits.length < LEAST_DIGITS || digits.length > MOST_DIGITS
    || !/^[1-9][0-9]*$/.test(digits)) throw new Refused("pass_malformed");
  const data = bytesOf(BigInt(digits));
  const payload = data.slice(0, -SIGNATURE_BYTES);
  const signature = data.slice(-SIGNATURE_BYTES);
  if (payload[0] !== VERSION) throw new Refused("pass_version_unknown");
  const key = keys.get(payload[1]);
  if (key === undefined) throw new Refused("pass_key_unknown");
  if (!isCanonical(signature) || !(await isSigned(payload, signature, key))) {
    throw new Refused("pass_forged");
  }
  return unpacked(payload);
}

/** Whether the window is open at a time in Unix seconds, both ends included. */
export function covers(pass, at) {
  return pass.window_from <= at && at <= pass.window_to;
}

function bytesOf(number) {
  const hex = number.toString(16);
  const even = hex.length % 2 ? `0${hex}` : hex;
  return Uint8Array.from(even.match(/../g), (pair) => parseInt(pair, 16));
}

/** Of the two signatures that mathematics allows only the one with the low s. */
function isCanonical(signature) {
  const r = integer(signature.slice(0, 32));
  const s = integer(signature.slice(32));
  return r > 0n && r < ORDER && s > 0n && s <= ORDER / 2n;
}

function integer(bytes) {
  return bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
}

function isSigned(payload, signature, key) {
  const message = new Uint8Array(CONTEXT.length + payload.length);
  message.set(CONTEXT);
  message.set(payload, CONTEXT.length);
  return crypto.subtle.verify(ES256, key, signature, message);
}

/** What was signed must still be a pass, to the last byte. */
function unpacked(payload) {
  const rest = new Reader(payload.slice(2));
  const movement_id = rest.number(6);
  const window_from = rest.number(4);
  const window_to = rest.number(4);
  const entry_place_id = rest.number(4);
  const count = rest.number(1);
  if (count > MOST_STOPS) throw new Refused("pass_malformed");
  const stops = Array.from({ length: count }, () => rest.number(4));
  const plate = rest.plate(1);
  const trailer_plate = rest.plate(0);
  if (rest.at !== rest.data.length || movement_id < 1e12 || movement_id >= 1e13
    || window_to < window_from) throw new Refused("pass_malformed");
  return { movement_id, window_from, window_to, entry_place_id, stops, plate, trailer_plate };
}

class Reader {
  constructor(data) {
    this.data = data;
    this.at = 0;
  }

  take(size) {
    const taken = this.data.slice(this.at, this.at + size);
    if (taken.length !== size) throw new Refused("pass_malformed");
    this.at += size;
    return taken;
  }

  /** At most six bytes, which a Number holds exactly. */
  number(size) {
    return this.take(size).reduce((sum, byte) => sum * 256 + byte, 0);
  }

  plate(least) {
    const size = this.number(1);
    if (size < least || size > LONGEST_PLATE) throw new Refused("pass_malformed");
    const text = this.take(size);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text);
    } catch {
      throw new Refused("pass_malformed");
    }
  }
}
