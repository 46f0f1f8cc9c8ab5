"""A truck at the desk as its pages show it: what was declared beside what is verified."""

from datetime import datetime, timedelta
from typing import Any

from checkpoint.desk import standing_verdict
from checkpoint.wording import spoken
from closedloop.history_pages import what_happened
from closedloop.model import Loop, State
from closedloop.order import in_order
from closedloop.situation import Situation
from closedloop.watching import name_of
from kernel.i18n import current_locale, t
from kernel.ids import uuid7
from registry.model import Card, Event, Movement, Proof, Subject
from registry.plates import kind_shown
from registry.rules import About, Check, EvidenceKind, Mode, Reason, RuleSet
from registry.world import World

#: A truck that has not come from the lane to the desk by then stands out (seed 003).
ON_ITS_WAY = timedelta(minutes=5)


def case(situation: Situation, world: World, now: datetime) -> dict[str, Any]:
    """One row of the queue."""
    loop, movement = situation.loop, situation.movement
    since = loop.state_since or now
    return {
        "movement_id": movement.movement_id,
        "plate": movement.plate,
        "plate_kind": kind_shown(movement.plate),
        "masked_name": situation.people[0].masked_name if situation.people else "",
        "from_place": movement.origin,
        "to_place": name_of(world, movement.stops[0] if movement.stops else None),
        "waiting_minutes": max(0, int((now - since).total_seconds() // 60)),
        "attempt": loop.attempt,
        "here": loop.at_desk_since is not None,
        "never_came": never_came(loop, now),
        "unreported": movement.channel == "unreported",
        "missing": spoken(last_card(situation), world, now),
        "compliant": standing_verdict(situation, world, now).card is Card.GREEN,
        "event_id": str(uuid7(now)),
    }


def never_came(loop: Loop, now: datetime) -> bool:
    """Sent to the desk, and not seen there in the time that the way takes."""
    if loop.state is not State.VERIFYING or loop.at_desk_since is not None:
        return False
    return loop.state_since is not None and now - loop.state_since >= ON_ITS_WAY


def last_card(situation: Situation) -> dict[str, Any]:
    entries = [event for event in in_order(situation.events) if event.kind == "entry"]
    return entries[-1].body if entries else {}


def reasons(listed: tuple[Reason, ...]) -> list[dict[str, str]]:
    locale = current_locale()
    return [{"code": each.code, "sentence": getattr(each.sentence, locale)} for each in listed]


def file_of(situation: Situation, world: World, now: datetime) -> dict[str, Any]:
    """All that the desk may see of a truck and its people."""
    movement, rules = situation.movement, world.rules_at(now)
    return {
        "people": [_person(each, rules, now) for each in situation.people],
        "truck": _truck(situation, rules, world, now),
        "story": [_told(event, world) for event in reversed(in_order(situation.events))],
        "print_url": f"/api/v1/movements/{movement.movement_id}/pass.pdf",
        "has_pass": not movement.blocked,
    }


def _person(subject: Subject, rules: RuleSet, now: datetime) -> dict[str, Any]:
    locale = current_locale()
    return {
        "ordinal": subject.ordinal,
        "role": subject.role,
        "masked_name": subject.masked_name or t("ui.erased"),
        "declared": [
            {
                "sentence": getattr(question.sentence, locale),
                "answer": subject.declared.get(question.code),
            }
            for question in rules.questions
        ],
        "proofs": _proofs(About.PERSON, subject.evidence, rules, now),
    }


def _truck(at: Situation, rules: RuleSet, world: World, now: datetime) -> dict[str, Any]:
    movement = at.movement
    goods = {each.code: each.label for each in rules.goods}.get(movement.goods)
    seen = str(last_card(at).get("plate_seen") or "")
    return {
        "plate": movement.plate,
        "trailer_plate": movement.trailer_plate,
        "plate_seen": seen,
        "plate_agrees": not seen or seen in {movement.plate, movement.trailer_plate},
        "goods": movement.goods if goods is None else getattr(goods, current_locale()),
        "origin": movement.origin,
        "stops": [name_of(world, place_id) for place_id in movement.stops],
        "entry_place": name_of(world, movement.entry_place_id),
        "window_from": movement.window_from,
        "window_to": movement.window_to,
        "in_window": _in_window(movement, now),
        "proofs": _proofs(About.VEHICLE, movement.vehicle, rules, now),
    }


def _in_window(movement: Movement, now: datetime) -> bool | None:
    if movement.window_from is None or movement.window_to is None:
        return None
    return movement.window_from <= now <= movement.window_to


def _proofs(
    about: About, held: dict[str, Proof], rules: RuleSet, now: datetime
) -> list[dict[str, Any]]:
    kinds = [kind for kind in rules.evidence if kind.about is about]
    return [_proof(kind, held.get(kind.kind), rules, now) for kind in kinds]


def _proof(
    kind: EvidenceKind, proof: Proof | None, rules: RuleSet, now: datetime
) -> dict[str, Any]:
    """`left` hours until it is too old, negative when it is; None where no rule asks its age."""
    label = getattr(kind.label, current_locale())
    if proof is None:
        return {"label": label, "value": "", "listed": kind.mode is Mode.LIST}
    hours = int((now - proof.taken_at).total_seconds() // 3600)
    limits = [
        rule.hours
        for rule in rules.rules
        if rule.check is Check.EVIDENCE_OLDER and rule.evidence == kind.kind and rule.hours
    ]
    lapsed = proof.until is not None and now >= proof.until
    return {
        "label": label,
        "value": getattr(kind.said(proof.value), current_locale()),
        "source": proof.source,
        "reference": proof.reference,
        "taken_at": proof.taken_at,
        "hours": hours,
        "left": min(limits) - hours if limits else None,
        "until": proof.until,
        "lapsed": lapsed,
        "bad": lapsed or _fails(kind, proof, rules),
    }


def _fails(kind: EvidenceKind, proof: Proof, rules: RuleSet) -> bool:
    """Whether a rule names this value, or asks for another."""
    for rule in rules.rules:
        if rule.evidence != kind.kind or not rule.values:
            continue
        named = proof.value in rule.values
        if (rule.check is Check.EVIDENCE_IS and named) or (
            rule.check is Check.EVIDENCE_MISSING and not named
        ):
            return True
    return False


def _told(event: Event, world: World) -> dict[str, Any]:
    return {
        "at": event.occurred_at,
        "what": what_happened(event),
        "where": name_of(world, event.place_id) or None,
        "why": _why(event, world),
    }


def _why(event: Event, world: World) -> list[str]:
    """The rules that a card named, or an officer's reason."""
    rules = world.rules_of(event.body.get("rules_version") or 0, event.occurred_at)
    locale, sentences = current_locale(), rules.sentences()
    code = str(event.body.get("reason") or "")
    codes = [code] if event.kind == "desk" and code else []
    if event.kind == "entry":
        codes = [str(reason.get("code")) for reason in event.body.get("reasons") or ()]
    return [getattr(sentences[each][0], locale) for each in codes if each in sentences]
