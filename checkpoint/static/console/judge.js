// The verdict without a network: the same rules as registry/judge.py and registry/rule_checks.py,
// interpreted from the same rule set. Pure; times are milliseconds. tests/vectors/judge.json.gz
// holds both to the same cards and reasons.

const HOUR = 3_600_000;
const SEVERITY = ["green", "yellow", "white", "red"];
const SEPARATORS = /[\s·•・∙⋅‧.\-‐‑‒–—_]+/gu;

export const plain = (plate) =>
  plate.normalize("NFKC").toUpperCase().replace(SEPARATORS, "").normalize("NFKC");

/**
 * `pass` is one of the bundle's; `rules` a rule set as the service publishes it; `at` when the
 * truck presented itself, `plateSeen` what was read (or ""), `sources`: kind → complete up to.
 * Returns {card, failures: [{code, card, person, facts}], rules_version, priority}, the worst first.
 */
export function judge(pass, rules, { at, plateSeen = "", sources }) {
  const seen = { pass, rules, at, plateSeen: plain(plateSeen), sources };
  const failures = rules.rules.flatMap((rule) =>
    [...CHECKS[rule.check](rule, seen)].map(([person, facts]) =>
      ({ code: rule.code, card: cardOf(rule, facts), person, facts })));
  failures.sort((a, b) => SEVERITY.indexOf(b.card) - SEVERITY.indexOf(a.card));
  const card = failures[0]?.card ?? "green";
  return { card, failures, rules_version: rules.version, priority: card === "green" && goesFirst(seen) };
}

// No hold without a source: what nobody recorded is for the desk to see.
const cardOf = (rule, facts) =>
  (rule.card === "red" && !String(facts.source ?? "").trim() ? "yellow" : rule.card);

const iso = (ms) => new Date(ms).toISOString().replace(/\.000Z$/, "+00:00");

const kindOf = (rules, code) => rules.evidence.find((kind) => kind.kind === code);

function* held(kind, { pass, rules, at }) {
  if (kindOf(rules, kind)?.about === "vehicle") {
    yield [null, lasting(pass.v[kind], at)];
    return;
  }
  for (const person of pass.w) yield [person.o, lasting(person.e[kind], at)];
}

// What has lapsed says nothing any more, for better or worse.
const lasting = (proof, at) => (proof && ((proof.u ?? null) === null || at < proof.u) ? proof : undefined);

/** Of a truck that meets every rule: whether it goes free and first. */
function goesFirst(seen) {
  const { priority } = seen.rules;
  if (!priority || (priority.goods.length && !priority.goods.includes(seen.pass.g))) return false;
  return priority.proofs.every(({ evidence, values }) =>
    [...held(evidence, seen)].every(([, proof]) =>
      proof && values.includes(proof.v) && proof.t <= seen.at));
}

const CHECKS = {
  *not_reported(_, { pass }) {
    if (pass.c === "unreported") yield [null, {}];
  },
  *incomplete(_, { pass }) {
    if (pass.b.length && pass.c !== "unreported") yield [null, { fields: pass.b }];
  },
  *withdrawn(_, { pass }) {
    if (pass.s === "withdrawn") yield [null, {}];
  },
  *used(_, { pass }) {
    if (pass.s === "used") yield [null, {}];
  },
  *outside_window(_, { pass, at }) {
    if (pass.f !== null && pass.u !== null && !(pass.f <= at && at <= pass.u)) {
      yield [null, { from: iso(pass.f), to: iso(pass.u) }];
    }
  },
  *plate_differs(_, { pass, plateSeen }) {
    if (plateSeen && ![pass.p, pass.t].includes(plateSeen)) {
      yield [null, { reported: pass.p, seen: plateSeen }];
    }
  },
  *declared(rule, { pass }) {
    for (const { o, d } of pass.w) if (rule.question && d[rule.question]) yield [o, {}];
  },
  *evidence_is(rule, seen) {
    for (const [whom, proof] of held(rule.evidence ?? "", seen)) {
      if (proof && rule.values.includes(proof.v)) {
        yield [whom, { value: proof.v, source: proof.s, reference: proof.r, taken_at: iso(proof.t) }];
      }
    }
  },
  *evidence_missing(rule, seen) {
    for (const [whom, proof] of held(rule.evidence ?? "", seen)) {
      if (!proof || (rule.values.length && !rule.values.includes(proof.v))) yield [whom, {}];
    }
  },
  *evidence_older(rule, seen) {
    for (const [whom, proof] of held(rule.evidence ?? "", seen)) {
      const age = proof ? seen.at - proof.t : 0;
      if (age > (rule.hours ?? 0) * HOUR) {
        yield [whom, { hours: Math.floor(age / HOUR), limit: rule.hours }];
      }
    }
  },
  *source_stale(rule, { rules, sources, at }) {
    const kind = kindOf(rules, rule.evidence ?? "");
    if (kind?.mode !== "list" || kind.fresh_hours === null) return;
    const age = at - (sources[kind.kind] ?? NaN);
    if (Number.isNaN(age)) yield [null, { hours: null }];
    else if (age > kind.fresh_hours * HOUR) yield [null, { hours: Math.floor(age / HOUR) }];
  },
  *in_area(rule, { pass, at }) {
    for (const { k, n, l, f, u, s } of pass.a) {
      const lasts = f <= at && (u === null || at < u);
      if (k === rule.evidence && rule.values.includes(l) && lasts) {
        yield [null, { area: n, level: l, source: s }];
      }
    }
  },
};
