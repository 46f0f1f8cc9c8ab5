// Every screen but the card: what is on it and what its buttons do. Each returns its elements.

import { STALE } from "./decide.js";
import { unlock, tell } from "./feedback.js";
import { Store } from "./store.js";
import { button, clock, field, glyph, h, t } from "./view.js";

const PROVINCES = "豫京津沪渝冀晋辽吉黑苏浙皖闽赣鲁鄂湘粤琼川贵云陕甘青桂蒙宁新藏";
const SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789挂";
const AMBER = 15 * 60_000;
const CARDS = ["green", "yellow", "white", "red", "duplicate", "wrong_code"];

const box = (...children) => h("div.in.stack", {}, ...children);

const minutes = (ms) => Math.max(0, Math.floor(ms / 60_000));

/** Network, age of the list, what waits, how many were let through. */
export async function pill(app) {
  const bundle = await app.store.get("bundle");
  const waiting = await app.into.countWaiting();
  const counts = await app.into.get("counts", {});
  const age = bundle ? (await app.now()) - bundle.made_at : Infinity;
  const word = app.sync.revoked ? "revoked" : app.sync.online ? "online" : "offline";
  const old = age > STALE ? "stop" : age > AMBER ? "wait" : "";
  return [
    app.practice && h("strong.pill.stop", {}, t("console.practice.on")),
    h(`span.pill.${app.sync.online && !app.sync.revoked ? "go" : "wait"}`, {}, t(`console.${word}`)),
    h(`span.pill${old && `.${old}`}`, {}, bundle ? t("console.age", { n: minutes(age) }) : t("console.age.none")),
    h(`span.pill${waiting ? ".wait" : ""}`, {}, t("console.waiting", { n: waiting })),
    h("span.pill", {}, t("console.count", { n: counts.green ?? 0 })),
  ];
}

export async function enrol(app) {
  const code = field("console.enrol.code", { name: "code", inputmode: "numeric", maxlength: 16 });
  const told = h("p.msg", { role: "alert" });
  const send = async (event) => {
    event.preventDefault();
    told.textContent = "";
    try {
      await app.sync.enrol(code.querySelector("input").value);
      await app.show("selftest");
    } catch (error) {
      told.textContent = error.code ? error.message : t("console.enrol.offline");
    }
  };
  return [h("form.in.stack", { novalidate: true, onsubmit: send },
    h("h1", {}, t("console.enrol")), h("p.muted", {}, t("console.enrol.lead")), code, told,
    h("button.btn.gate", { type: "submit" }, t("console.enrol.send")))];
}

/** What a shift must be able to trust, looked at by machine where a machine can look. */
export async function selftest(app) {
  const device = await app.store.get("device");
  const persisted = await navigator.storage?.persisted?.();
  const key = await app.store.get("key");
  const offset = Math.abs(await app.store.get("offset", 0));
  const passes = await app.store.countPasses();
  const checks = [
    ["key", Boolean(key) && !key.privateKey.extractable],
    ["storage", persisted !== false],
    ["worker", Boolean(await navigator.serviceWorker?.getRegistration("/gate/"))],
    ["clock", offset < 30_000],
    ["list", passes > 0],
  ];
  const gates = device.place.gates.length ? device.place.gates : ["1"];
  const choose = (gate) => async () => {
    await unlock();
    tell("green");
    await app.store.set({ gate });
    await app.show("ready");
  };
  return [box(h("h1", {}, t("console.selftest")),
    h("ul.plain.list", {}, checks.map(([name, right]) => h("li.split", {},
      h("span", {}, t(`console.selftest.${name}`)),
      h(`span.pill.${right ? "go" : "wait"}`, {}, t(right ? "console.selftest.right" : "console.selftest.look"))))),
    h("p", {}, t("console.selftest.scan")),
    h("h2", {}, t("console.gate")),
    h("div.pair", {}, gates.map((gate) => h("button.btn.gate", { type: "button", onclick: choose(gate) }, gate))))];
}

export async function ready(app) {
  const device = await app.store.get("device");
  const typed = field("console.type", { name: "input", "data-scan-input": true, autocapitalize: "characters" });
  const send = (event) => {
    event.preventDefault();
    const input = typed.querySelector("input");
    const read = input.value;
    input.value = "";
    if (read.trim()) app.scanned(read);
  };
  return [
    h("section.card.card-ready", { "data-card": "ready" }, glyph("ready"), h("h1.verb", {}, t("console.ready"))),
    box(h("p.muted", {}, `${device.place.name} · ${await app.store.get("gate", "")}`),
      h("form.stack", { onsubmit: send, novalidate: true }, typed),
      h("div.two", {}, button("console.keypad", () => app.show("keypad")), button("console.camera", () => app.show("camera"))),
      button("console.menu", () => app.show("menu"))),
  ];
}

/** Under a card: what an officer may do with it. */
export function below(app, shown) {
  const next = () => { shown.seen = true; app.ready(shown); };
  const differs = async () => {
    app.shown = shown;
    clearTimeout(app.leaving);
    app.seeing = shown;
    await app.show("keypad");
  };
  const override = async () => {
    const reason = document.getElementById("f-override").value.trim();
    if (reason) await app.decide(shown.read, { override: reason });
  };
  return box(
    shown.pass && shown.card !== "wrong_code" && button("console.differs", differs),
    shown.card === "duplicate" && h("details", {}, h("summary", {}, t("console.override")),
      field("console.override.reason", { name: "override", maxlength: 100 }),
      button("console.override.send", override, "warn")),
    button(shown.card === "red" ? "console.red.seen" : "console.next", next, "gate"));
}

/** Provinces, letters and digits: for a dead telephone, or a plate that is another. */
export async function keypad(app) {
  const plate = h("output.console-plate.num", { "aria-live": "polite" });
  const add = (sign) => () => { if (plate.textContent.length < 8) plate.textContent += sign; };
  const row = (signs) => h("div.console-keys", {}, [...signs].map((sign) =>
    h("button.btn.line", { type: "button", onclick: add(sign) }, sign)));
  const send = async () => {
    const text = plate.textContent;
    if (text.length < 7) return;
    const { seeing } = app;
    app.seeing = null;
    app.screen = "ready";
    if (seeing) await app.decide(seeing.read, { seen: text });
    else await app.scanned(text);
  };
  const back = () => { app.seeing = null; app.shown = null; app.show("ready"); };
  return [box(h("h1", {}, t(app.seeing ? "console.differs" : "console.keypad")), plate, row(PROVINCES), row(SIGNS),
    button("console.keypad.erase", () => { plate.textContent = plate.textContent.slice(0, -1); }),
    button("console.keypad.send", send, "gate"), button("console.back", back))];
}

export async function camera(app) {
  const { Camera } = await import("./camera.js");
  const video = h("video", { playsinline: true, muted: true });
  const told = h("p", { role: "status" }, t("console.camera.starts"));
  const back = () => { eye.stop(); };
  const read = (text) => { eye.stop(); app.screen = "ready"; app.scanned(text); };
  const eye = new Camera(video, read, () => { if (app.screen === "camera") app.show("ready"); });
  const tools = h("div.stack");
  const begin = async (id) => {
    try {
      await app.store.set({ camera: await eye.start(id) });
      told.textContent = t("console.camera.show");
      const others = await Camera.list();
      tools.replaceChildren(...[
        eye.hasTorch && button("console.camera.torch", () => eye.light(!eye.torch)),
        ...others.length > 1 ? others.map((each) => h("button.btn.line", { type: "button", onclick: () => begin(each.deviceId) }, each.label)) : [],
      ].filter(Boolean));
    } catch {
      told.textContent = t("console.camera.none");
    }
  };
  begin(await app.store.get("camera", ""));
  return [box(h("h1", {}, t("console.camera")), video, told, tools, button("console.back", back))];
}

export async function menu(app) {
  const set = (settings, again) => async () => { await app.store.set(settings); await again(); };
  const practise = async () => {
    app.practice = app.practice ? null : await Practice.begin();
    await app.show("ready");
  };
  return [box(h("h1", {}, t("console.menu")),
    button("console.handover", () => app.show("handover")),
    button("console.notice", () => app.show("notice")),
    button(app.practice ? "console.practice.end" : "console.practice", practise),
    button("console.selftest", () => app.show("selftest")),
    h("div.two", {}, ["day", "night", "auto"].map((theme) => button(`console.theme.${theme}`, set({ theme }, () => app.theme())))),
    h("div.two", {}, ["zh", "en"].map((lang) => button(`console.lang.${lang}`, set({ lang }, () => location.reload())))),
    button("console.back", () => app.show("ready")))];
}

/** Practice has a store of its own that ends with the page: nothing of it is ever sent. */
class Practice extends Store {
  static async begin() {
    const name = `practice-${Date.now()}`;
    const made = await Practice.open(name);
    addEventListener("pagehide", () => indexedDB.deleteDatabase(name));
    return made;
  }
}

async function post(app, path, body) {
  try {
    await app.sync.ask("POST", path, body);
    return "";
  } catch (error) {
    return error.code ? error.message : t("console.offline.later");
  }
}

export async function handover(app) {
  const counts = await app.store.get("counts", {});
  const unsynced = await app.store.countWaiting();
  const [gave, took] = ["gave", "took"].map((name) => field(`console.handover.${name}`, { name, maxlength: 40 }));
  const signed = field("console.handover.signed", { name: "signed", maxlength: 40 });
  const told = h("p.msg", { role: "alert" });
  const value = (made) => made.querySelector("input").value.trim();
  const send = async () => {
    told.textContent = await post(app, "/gate/handovers", {
      id: crypto.randomUUID(), gate: await app.store.get("gate", ""), gave: value(gave), took: value(took),
      counts, unsynced, signed_for: value(signed), at: new Date(await app.now()).toISOString(),
    });
    if (told.textContent) return;
    await app.store.set({ counts: {}, gate: null });
    await app.show("selftest");
  };
  return [box(h("h1", {}, t("console.handover")),
    h("dl.sum.box", {}, CARDS.map((name) => h("div", {}, h("dt", {}, t(`card.${name}`)), h("dd.num", {}, String(counts[name] ?? 0))))),
    h(unsynced ? "p.note.stale.tight" : "p", {}, t("console.waiting", { n: unsynced })),
    gave, took, unsynced > 0 && signed, told,
    button("console.handover.send", send, "gate"), button("console.back", () => app.show("menu")))];
}

export async function notice(app) {
  const list = h("ul.plain.list");
  const wait = field("console.notice.minutes", { name: "minutes", inputmode: "numeric", maxlength: 4 });
  const told = h("p.msg", { role: "alert" });
  const send = async (body) => {
    told.textContent = await post(app, "/gate/notices", { id: crypto.randomUUID(), ...body });
    await show();
  };
  const show = async () => {
    const { notices } = await app.sync.ask("GET", "/gate/notices").catch(() => ({ notices: [] }));
    list.replaceChildren(...notices.map((each) => h("li.split", {},
      h("span", {}, t(`console.notice.${each.kind}`, { n: each.minutes }), " ", clock(Date.parse(each.said_at))),
      button("console.notice.over", () => send({ kind: "over", of: each.id })))));
  };
  show();
  const minutesTyped = () => Number(wait.querySelector("input").value);
  return [box(h("h1", {}, t("console.notice")), list, wait,
    button("console.notice.wait.send", () => send({ kind: "wait", minutes: minutesTyped() })),
    button("console.notice.closed.send", () => send({ kind: "closed" }), "warn"),
    told, button("console.back", () => app.show("menu")))];
}
