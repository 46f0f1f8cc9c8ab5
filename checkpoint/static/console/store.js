// What a console keeps: its key and settings, the passes it expects, and what it has not sent.
// Everything that must not be lost is written with strict durability before anybody sees it.

const STRICT = { durability: "strict" };

/** A request's result; rejects with its error. */
const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

const finished = (transaction) => new Promise((resolve, reject) => {
  transaction.oncomplete = () => resolve();
  transaction.onabort = () => reject(transaction.error);
});

export class Store {
  static async open(name = "console") {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      const db = request.result;
      db.createObjectStore("settings");
      const passes = db.createObjectStore("passes");
      passes.createIndex("plate", "p");
      passes.createIndex("trailer", "t");
      passes.createIndex("movement", "m");
      db.createObjectStore("outbox", { keyPath: "sequence" });
      db.createObjectStore("refused", { keyPath: "sequence" });
    };
    return new Store(await done(request));
  }

  constructor(db) {
    this.db = db;
  }

  async get(name, otherwise = null) {
    return (await done(this.read("settings").get(name))) ?? otherwise;
  }

  async set(settings) {
    const transaction = this.db.transaction("settings", "readwrite", STRICT);
    const kept = transaction.objectStore("settings");
    for (const [name, value] of Object.entries(settings)) kept.put(value, name);
    await finished(transaction);
  }

  read(store) {
    return this.db.transaction(store).objectStore(store);
  }

  pass(key) {
    return done(this.read("passes").get(key));
  }

  /** [key, pass] of the first that an index names, or null. */
  async found(index, value) {
    const cursor = await done(this.read("passes").index(index).openCursor(value));
    return cursor ? [cursor.primaryKey, cursor.value] : null;
  }

  async byPlate(plate) {
    return (await this.found("plate", plate)) ?? this.found("trailer", plate);
  }

  countPasses() {
    return done(this.read("passes").count());
  }

  /** A bundle as it was verified: whole, or what changed. */
  async apply(bundle) {
    const transaction = this.db.transaction(["passes", "settings"], "readwrite");
    const passes = transaction.objectStore("passes");
    if (bundle.kind === "full") passes.clear();
    for (const key of bundle.gone) passes.delete(key);
    for (const key in bundle.passes) passes.put(bundle.passes[key], key);
    const { cursor, place, rules, sources, keys, made_at, watch } = bundle;
    transaction.objectStore("settings").put({ cursor, place, rules, sources, keys, made_at, watch }, "bundle");
    await finished(transaction);
  }

  /** The next number of this device, the scan under it, and its trace on the pass: all or nothing. */
  async keep(scan, key, pass) {
    const stores = key ? ["outbox", "settings", "passes"] : ["outbox", "settings"];
    const transaction = this.db.transaction(stores, "readwrite", STRICT);
    const settings = transaction.objectStore("settings");
    const sequence = ((await done(settings.get("sequence"))) ?? 0) + 1;
    settings.put(sequence, "sequence");
    const counts = (await done(settings.get("counts"))) ?? {};
    counts[scan.card_shown] = (counts[scan.card_shown] ?? 0) + 1;
    settings.put(counts, "counts");
    transaction.objectStore("outbox").put({ sequence, scan: { ...scan, sequence } });
    if (key) transaction.objectStore("passes").put(pass, key);
    await finished(transaction);
    return sequence;
  }

  /** In the order in which they happened. */
  waiting(most) {
    return done(this.read("outbox").getAll(null, most));
  }

  countWaiting() {
    return done(this.read("outbox").count());
  }

  /** Only what the server has answered under exactly that id; what it refused is kept apart. */
  async acknowledge(entries, results) {
    const transaction = this.db.transaction(["outbox", "refused"], "readwrite", STRICT);
    const outbox = transaction.objectStore("outbox");
    const answered = new Map(results.map((result) => [result.id, result]));
    for (const entry of entries) {
      const result = answered.get(entry.scan.id);
      if (!result) continue;
      if (["refused", "conflict"].includes(result.status)) {
        transaction.objectStore("refused").put({ ...entry, code: result.code });
      }
      outbox.delete(entry.sequence);
    }
    await finished(transaction);
  }
}
