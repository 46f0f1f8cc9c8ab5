// Making the screen: small functions from state to elements, in the words that were taken along.

let said = {};
let reasons = {};
let lang = "zh";

export function speak(words) {
  ({ said, reasons, lang } = words);
  document.documentElement.lang = words.lang === "zh" ? "zh-Hans" : words.lang;
}

/** The sentence of a key, with its facts filled in. */
export const t = (key, facts = {}) =>
  (said[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => facts[name] ?? whole);

export const clock = (ms) => new Date(ms).toLocaleTimeString("zh-CN", {
  hour: "2-digit", minute: "2-digit", hour12: false, timeZone: "Asia/Shanghai",
});

/** What a failed rule says, and what to do next. */
export function worded({ code, facts = {}, sentence, mend = "" }) {
  if (said[`console.reason.${code}`]) {
    const told = { ...facts, at: facts.at && clock(facts.at), gate: facts.gate || "–" };
    return { sentence: t(`console.reason.${code}`, told), mend: t(`console.mend.${code}`) };
  }
  if (said[`wrong.${code}`]) return { sentence: t(`wrong.${code}`), mend: "" };
  return reasons[code] ?? { sentence: sentence ?? code, mend };
}

/** An element: attributes that begin with `on` are listeners; children are elements or text. */
export function h(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const made = document.createElement(tag);
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export const button = (key, onclick, kind = "line") =>
  h(`button.btn.${kind}`, { type: "button", onclick }, t(key));

export const glyph = (card) =>
  document.getElementById(`glyph-${card}`)?.content.cloneNode(true) ?? "";

export function field(key, attributes) {
  const id = `f-${attributes.name}`;
  return h("div.field", {}, h("label", { for: id }, t(key)), h("input", { id, autocomplete: "off", ...attributes }));
}

/** The card, spoken as one sentence by a screen reader. */
export function card(shown) {
  const why = shown.reasons.map(worded);
  const plate = shown.plate || "";
  const first = shown.priority && (shown.rules?.priority?.sentence[lang] ?? t("console.first"));
  const wanted = shown.wanted && t("console.wanted");
  const spoken = [t(`card.${shown.card}`), plate, wanted, first, why[0]?.sentence].filter(Boolean).join(", ");
  return [
    h(`section.card.card-${shown.card}`, { "data-card": shown.card },
      glyph(shown.card),
      h("h1.verb", {}, t(`card.${shown.card}`), h("small", {}, t(`card.${shown.card}.gloss`)))),
    h("div.in", {},
      plate && h("p.console-plate.num", {}, plate),
      wanted && h("p.note.err.tight", {}, h("strong", {}, `⚑ ${wanted}`)),
      shown.updated && h("p.note.stale.tight", {}, t("console.updated")),
      first && h("p.why", {}, `★ ${first}`),
      shown.advice && h("p", {}, h("strong", {}, `→ ${shown.advice}`)),
      why[0] && h("p.why", {}, why[0].sentence),
      why[0]?.mend && h("p", {}, h("strong", {}, why[0].mend)),
      why.length > 1 && h("ul.note.tight", {}, why.slice(1).map((each) => h("li", {}, each.sentence)))),
    spoken,
  ];
}
