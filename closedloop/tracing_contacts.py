"""Which class of contact somebody is, by the rules of the rule set. Pure: no database, no clock."""

from collections.abc import Iterable, Sequence

from closedloop.tracing_model import Contact, Meeting
from registry.tracing_rules import Meets, TraceRule, Tracing

_MINUTE = 60_000_000


def widest(tracing: Tracing, code: str | None = None) -> int:
    """Minutes within which any rule (of a class) can find somebody."""
    asked = [rule.minutes or 0 for rule in tracing.rules if code in {None, rule.gives}]
    return max(asked, default=0)


def met(meeting: Meeting, rule: TraceRule) -> bool | None:
    """Whether the rule is met for certain; None where it is not met at all."""
    if rule.meets is Meets.SAME_VEHICLE:
        return meeting.together_sure if meeting.together else None
    at_gate = rule.meets is Meets.SAME_GATE
    if rule.meets not in {Meets.SAME_GATE, Meets.SAME_PLACE} or rule.minutes is None:
        return None
    possible = meeting.gate_possible if at_gate else meeting.place_possible
    certain = meeting.gate_certain if at_gate else meeting.place_certain
    most = rule.minutes * _MINUTE
    if possible is None or possible > most:
        return None
    return certain is not None and certain <= most


def classify(meeting: Meeting, tracing: Tracing) -> Contact | None:
    """The gravest class that is possible, and of its rules one that is certain if any is.

    A grave class that is only possible is told before a lighter one that is certain: whoever asks
    must not overlook it.
    """
    for each in tracing.classes:
        found = [
            (rule, certain)
            for rule in tracing.rules
            if rule.gives == each.code and (certain := met(meeting, rule)) is not None
        ]
        if found:
            rule, certain = max(found, key=lambda pair: pair[1])
            return Contact(meeting=meeting, code=each.code, rule=rule.code, certain=certain)
    return None


def classified(meetings: Iterable[Meeting], tracing: Tracing) -> list[Contact]:
    """The gravest first, then by time; whoever meets no rule is none."""
    found = [contact for each in meetings if (contact := classify(each, tracing)) is not None]
    return in_order(found, tracing)


def in_order(contacts: Iterable[Contact], tracing: Tracing) -> list[Contact]:
    rank = {each.code: number for number, each in enumerate(tracing.classes)}
    return sorted(
        contacts,
        key=lambda c: (rank[c.code], not c.certain, c.meeting.first_at, c.meeting.key),
    )


def second_rule(tracing: Tracing) -> TraceRule | None:
    """The rule by which contacts of contacts are told, if there is one."""
    return next((rule for rule in tracing.rules if rule.meets is Meets.CONTACT_OF), None)


def through(
    first: Sequence[Contact], meetings: Iterable[Meeting], known: set[str], tracing: Tracing
) -> list[Contact]:
    """Contacts of the second degree: of the class `of` to somebody who is of it themselves.

    `meetings` are numbered by their place in `first`, from 1 on; `known` are keys that have a
    class of their own already, or are the subject. Each is told once, certain if one way is.
    """
    rule = second_rule(tracing)
    if rule is None:
        return []
    best: dict[str, Contact] = {}
    for each in meetings:
        contact = classify(each, tracing)
        if contact is None or contact.code != rule.of or each.key in known:
            continue
        certain = contact.certain and first[each.number - 1].certain
        before = best.get(each.key)
        if before is None or (certain and not before.certain):
            best[each.key] = Contact(
                meeting=each, code=rule.gives, rule=rule.code, certain=certain, through=each.number
            )
    return in_order(best.values(), tracing)
