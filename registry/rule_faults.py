"""What is wrong with a rule set that has the right shape: names that lead nowhere, or twice."""

from collections import Counter
from collections.abc import Iterator, Sequence

from kernel.errors import Unprocessable
from registry.desk_rules import desk_faults
from registry.ladder import ladder_faults
from registry.model import Card, Role
from registry.rules import About, Check, Condition, Priority, Question, Rule, RuleSet
from registry.stepladders import supervision_faults
from registry.tracing_faults import tracing_faults

OF_EVIDENCE = frozenset(
    {Check.EVIDENCE_IS, Check.EVIDENCE_MISSING, Check.EVIDENCE_OLDER, Check.SOURCE_STALE}
)
#: Whoever comes on foot has no pass and no plate.
OF_VISITORS = OF_EVIDENCE | {Check.DECLARED, Check.IN_AREA}
NEEDS_VALUES = frozenset({Check.EVIDENCE_IS, Check.IN_AREA})
#: What a movement's limits are about.
LIMBS = frozenset(
    {"arrival", "confirmation", "exit", "hold", "takeover", "expiry", "appeal", "desk"}
)
#: A rule gives one of these; the others belong to the machine.
CARDS = frozenset({Card.YELLOW, Card.WHITE, Card.RED})


def check_rule_set(rules: RuleSet) -> RuleSet:
    """Raises Unprocessable `rule_set_faulty` with the first place that is wrong."""
    for where in faults(rules):
        raise Unprocessable("rule_set_faulty", where=where)
    return rules


def faults(rules: RuleSet) -> Iterator[str]:
    """Places as `rules[3].evidence`, in the order of the file."""
    yield from _twice("evidence", [kind.kind for kind in rules.evidence])
    yield from _twice("questions", [question.code for question in rules.questions])
    spoken = (*rules.rules, *rules.turn_back_reasons, *rules.hold_reasons)
    yield from _twice("rules", [each.code for each in spoken])
    yield from _twice("goods", [goods.code for goods in rules.goods])
    for number, kind in enumerate(rules.evidence):
        if kind.spoken and len(kind.spoken) != len(kind.values):
            yield f"evidence[{number}].spoken"
    for number, rule in enumerate(rules.rules):
        yield from (f"rules[{number}].{field}" for field in _wrong(rule, rules))
    if rules.priority is not None:
        yield from (f"priority.{field}" for field in _wrong_priority(rules.priority, rules))
    yield from _wrong_visitors(rules)
    yield from _twice("call_questions", [question.code for question in rules.call_questions])
    yield from _twice("screening", [asked.code for asked in rules.screening])
    yield from ladder_faults(rules.ladder, LIMBS)
    yield from (f"tracing.{field}" for field in tracing_faults(rules.tracing))
    yield from supervision_faults(rules.supervision, frozenset(Role))
    yield from desk_faults(rules.information)
    if not 1 <= rules.limits.learn_percent <= 100:
        yield "limits.learn_percent"
    for name, amount in _amounts(rules):
        if amount < 0:
            yield f"limits.{name}"


def _twice(where: str, names: list[str]) -> Iterator[str]:
    yield from (f"{where} ({name})" for name, times in Counter(names).items() if times > 1)


def _wrong(rule: Rule, rules: RuleSet) -> Iterator[str]:
    if rule.card not in CARDS:
        yield "card"
    yield from _wrong_condition(rule, rules, rules.questions)


def _wrong_condition(
    rule: Condition, rules: RuleSet, questions: Sequence[Question]
) -> Iterator[str]:
    if rule.check in OF_EVIDENCE | {Check.IN_AREA}:
        kind = rules.kind(rule.evidence or "")
        if kind is None or (kind.about is About.AREA) != (rule.check is Check.IN_AREA):
            # An area's freshness is looked at as that of any list.
            if kind is None or rule.check is not Check.SOURCE_STALE:
                yield "evidence"
        elif not set(rule.values) <= set(kind.values):
            yield "values"
    if rule.check in NEEDS_VALUES and not rule.values:
        yield "values"
    if rule.check is Check.EVIDENCE_OLDER and not rule.hours:
        yield "hours"
    if rule.check is Check.DECLARED and rule.question not in {q.code for q in questions}:
        yield "question"


def _wrong_visitors(rules: RuleSet) -> Iterator[str]:
    visitors = rules.visitors
    yield from _twice("visitors.questions", [question.code for question in visitors.questions])
    yield from _twice("visitors.rules", [rule.code for rule in visitors.rules])
    for number, rule in enumerate(visitors.rules):
        where = f"visitors.rules[{number}]"
        if rule.check not in OF_VISITORS:
            yield f"{where}.check"
            continue
        faulty = _wrong_condition(rule, rules, visitors.questions)
        yield from (f"{where}.{field}" for field in faulty)
    if visitors.ask_again_days < 1:
        yield "visitors.ask_again_days"


def _wrong_priority(priority: Priority, rules: RuleSet) -> Iterator[str]:
    """Without a proof that is asked for, every green truck would go first."""
    if not priority.proofs:
        yield "proofs"
    for number, needed in enumerate(priority.proofs):
        kind = rules.kind(needed.evidence)
        if kind is None or kind.about is About.AREA:
            yield f"proofs[{number}].evidence"
        elif not needed.values or not set(needed.values) <= set(kind.values):
            yield f"proofs[{number}].values"
    if not set(priority.goods) <= {goods.code for goods in rules.goods}:
        yield "goods"
    issued = rules.kind(priority.issued)
    if priority.issued and (issued is None or issued.about is not About.VEHICLE):
        yield "issued"
    if priority.most_days < 1:
        yield "most_days"


def _amounts(rules: RuleSet) -> Iterator[tuple[str, float]]:
    limits = rules.limits
    yield from ((name, getattr(limits, name)) for name in limits.__struct_fields__)
