"""What is wrong with a rule set's rules of tracing: names that lead nowhere, or twice."""

from collections import Counter
from collections.abc import Iterator

from registry.tracing_rules import Meets, TraceRule, Tracing

#: The database refuses a longer window, whatever a rule set says.
LONGEST_DAYS = 180
APART = frozenset({Meets.SAME_GATE, Meets.SAME_PLACE})
#: Nobody is sought further than a day around.
WIDEST_MINUTES = 1440


def tracing_faults(tracing: Tracing) -> Iterator[str]:
    """Places as `rules[1].minutes`, in the order of the file."""
    known = [each.code for each in tracing.classes]
    yield from _twice("classes", known)
    yield from _twice("rules", [each.code for each in tracing.rules])
    for number, rule in enumerate(tracing.rules):
        yield from (f"rules[{number}].{field}" for field in _wrong(rule, known))
    if (
        tracing.risk_place is not None
        and min(tracing.risk_place.cases, tracing.risk_place.days) < 1
    ):
        yield "risk_place"
    minutes = [mark.minutes for mark in tracing.marks]
    if minutes != sorted(set(minutes)) or any(each < 1 for each in minutes):
        yield "marks"
    yield from _twice("marks", [mark.code for mark in tracing.marks])
    yield from _twice("team", [part.code for part in tracing.team])
    yield from (f"team ({part.code})" for part in tracing.team if not 1 <= part.members <= 20)
    if not 1 <= tracing.alone_days <= tracing.most_days <= LONGEST_DAYS:
        yield "most_days"
    if tracing.alone_subjects < 1 or tracing.export_hours < 1:
        yield "alone_subjects"


def _twice(where: str, names: list[str]) -> Iterator[str]:
    yield from (f"{where} ({name})" for name, times in Counter(names).items() if times > 1)


def _wrong(rule: TraceRule, known: list[str]) -> Iterator[str]:
    if rule.gives not in known:
        yield "gives"
    if rule.meets in APART and not 1 <= (rule.minutes or 0) <= WIDEST_MINUTES:
        yield "minutes"
    if rule.meets is Meets.CONTACT_OF and rule.of not in known:
        yield "of"
