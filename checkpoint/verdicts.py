"""From the rules' verdict to the card at the lane, and the event that keeps it. Pure."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from checkpoint.scans import Moment, Scan, moment
from closedloop.model import Hold, Level, Loop, State
from closedloop.planning import release_body
from closedloop.rolling import fits
from closedloop.situation import Situation
from kernel.auth import Actor
from kernel.errors import Forbidden, Unauthenticated, Unprocessable
from registry.judge import Standing, Verdict, judge
from registry.model import Card, Event, Failure, Place, PlaceKind, Role
from registry.offices import AT_A_PLACE
from registry.plates import normalise
from registry.rules import RuleSet
from registry.scope import covers, own_district
from registry.world import World

WHERE = {
    "entry": PlaceKind.CHECKPOINT,
    "exit": PlaceKind.CHECKPOINT,
    "arrival": PlaceKind.DESTINATION,
    "departure": PlaceKind.DESTINATION,
}
WITHDRAWN = frozenset({State.VOIDED, State.CANCELLED})


class Seen(Struct, frozen=True, kw_only=True):
    """One scan with all that its verdict depends on."""

    scan: Scan
    actor: Actor
    situation: Situation
    world: World
    place: Place
    moment: Moment
    #: The level of evidence of an arrival that the driver's own phone sent.
    level: Level | None

    @property
    def rules(self) -> RuleSet:
        return self.world.rules_at(self.moment.at)


def event_of(
    scan: Scan,
    actor: Actor,
    level: Level | None,
    situation: Situation,
    world: World,
    now: datetime,
) -> Event:
    """Raises Refused where the scan is none: wrong place, withdrawn device, hopeless clock."""
    place = _place(scan, actor, world)
    when = moment(scan, now, world.rules_at(now).limits)
    seen = Seen(
        scan=scan,
        actor=actor,
        situation=situation,
        world=world,
        place=place,
        moment=when,
        level=level,
    )
    body = BODIES[scan.kind](seen)
    body["flags"] = [*when.flags, *body.get("flags", ())]
    return Event(
        movement_id=situation.movement.movement_id,
        event_id=scan.id,
        kind=scan.kind,
        occurred_at=when.at,
        received_at=now,
        uncertainty_ms=when.uncertainty_ms,
        place_id=place.id,
        gate=scan.gate,
        device_id=actor.device_id,
        sequence=scan.sequence,
        offline=scan.offline,
        actor=f"{actor.kind}:{actor.id}",
        body=body,
    )


def check_scan(scan: Scan, actor: Actor, world: World, now: datetime) -> Moment:
    """What can be said before the movement is known. Raises Refused as `event_of` does."""
    _place(scan, actor, world)
    return moment(scan, now, world.rules_at(now).limits)


def _place(scan: Scan, actor: Actor, world: World) -> Place:
    if actor.kind == "device" and actor.id not in world.holders:
        raise Unauthenticated("token_unknown")
    place = world.place(scan.place_id)
    if actor.place_id is None and actor.roles <= AT_A_PLACE:
        raise Forbidden("no_place_of_yours")
    elsewhere = actor.place_id is not None and actor.place_id != place.id
    if elsewhere or not covers(own_district(actor), place.district_code):
        raise Forbidden("not_your_place", place_id=place.id)
    if place.kind is not WHERE[scan.kind]:
        raise Unprocessable("wrong_kind_of_place", kind=scan.kind, place_kind=place.kind)
    if not place.active:
        raise Unprocessable("place_not_active", place_id=place.id)
    return place


def verdict_of(seen: Seen) -> Verdict:
    loop, movement = seen.situation.loop, seen.situation.movement
    return judge(
        movement,
        seen.situation.people,
        seen.rules,
        seen.place,
        seen.moment.at,
        seen.scan.plate_seen,
        sources=seen.world.sources,
        areas=seen.world.areas,
        standing=_standing(loop),
    )


def _standing(loop: Loop) -> Standing:
    if loop.state in WITHDRAWN:
        return Standing.WITHDRAWN
    return Standing.USED if loop.state is State.DISCHARGED else Standing.VALID


def _entry(seen: Seen) -> dict[str, Any]:
    loop = seen.situation.loop
    if loop.state is State.HELD and loop.hold is not None:
        return _body(seen, Card.RED, (_under_hold(loop.hold),)) | _words_of(loop.hold)
    if (twin := _duplicate(seen, loop)) is not None:
        if _let_through_offline(seen):
            return _body(seen, Card.GREEN, (twin,), "card_differs", "admitted_against_rules")
        if seen.scan.override is None:
            return _body(seen, Card.DUPLICATE, (twin,))
        return _body(seen, Card.GREEN, (twin,), "override")
    if seen.scan.override is not None and not seen.scan.offline:
        raise Unprocessable("override_not_allowed")
    verdict = verdict_of(seen)
    card, flags = _what_happened(seen, verdict)
    body = _body(seen, card, verdict.failures, *flags)
    if verdict.priority and card is Card.GREEN:
        body["priority"] = True
    return body | (_hold_facts(verdict) if card is Card.RED else {})


def _what_happened(seen: Seen, verdict: Verdict) -> tuple[Card, list[str]]:
    """An offline admission is a fact, recorded even if it should not have happened (rule 5).

    White for a truck that meets every rule and red without a source are no facts that software
    may keep: such a truck is to be verified, and the breach is flagged (I10, I11).
    """
    shown = seen.scan.card_shown
    if not seen.scan.offline or shown not in set(Card) or shown == verdict.card:
        return verdict.card, []
    card = Card(shown)
    if card is Card.GREEN:
        return card, ["card_differs", "admitted_against_rules"]
    if card is Card.WHITE and verdict.card is Card.GREEN:
        return Card.YELLOW, ["card_differs", "white_against_rules"]
    if card is Card.RED:
        return Card.YELLOW, ["card_differs", "hold_without_source"]
    return card, ["card_differs"]


def _duplicate(seen: Seen, loop: Loop) -> Failure | None:
    """The same pass within ten minutes of its green card (mission §4). With another plate it is
    another truck, or an officer who looked again: that is judged.
    """
    if loop.carded_at is None or loop.last_card is not Card.GREEN or _other_plate(seen):
        return None
    since = seen.moment.at - loop.carded_at
    if not timedelta(0) <= since <= timedelta(minutes=seen.rules.limits.duplicate_minutes):
        return None
    facts = {"gate": loop.entry_gate, "place_id": loop.entry_place_id}
    facts |= {"at": loop.carded_at.isoformat()}
    return Failure(code="duplicate", card=Card.DUPLICATE, facts=facts)


def _let_through_offline(seen: Seen) -> bool:
    """Another lane knew nothing of the first: that it let the truck through is a fact (rule 5)."""
    scan = seen.scan
    return scan.offline and scan.override is None and scan.card_shown == Card.GREEN


def _other_plate(seen: Seen) -> bool:
    movement = seen.situation.movement
    return normalise(seen.scan.plate_seen) not in {movement.plate, movement.trailer_plate, ""}


def _under_hold(held: Hold) -> Failure:
    return Failure(code="under_hold", card=Card.RED, facts=_words_of(held))


def _words_of(held: Hold) -> dict[str, str]:
    return {"source": held.source, "reason": held.reason}


def _hold_facts(verdict: Verdict) -> dict[str, Any]:
    worst = next(f for f in verdict.failures if f.card is Card.RED)
    source = " ".join(part for key in ("source", "reference") if (part := worst.facts.get(key)))
    return {"source": source or None, "reason": worst.code}


def _body(seen: Seen, card: Card, failures: tuple[Failure, ...], *flags: str) -> dict[str, Any]:
    scan = seen.scan
    plan = release_body(seen.situation.movement, seen.world, seen.rules, seen.place.id)
    return plan | {
        "card": card,
        "reasons": msgspec.to_builtins(failures),
        "card_shown": scan.card_shown,
        "plate_seen": normalise(scan.plate_seen),
        "override": None if scan.override is None else scan.override.reason,
        "clock": msgspec.to_builtins(scan.clock),
        "flags": list(flags),
    }


def _arrival(seen: Seen) -> dict[str, Any]:
    movement = seen.situation.movement
    seen_plate = normalise(seen.scan.plate_seen or seen.scan.plate)
    known = {movement.plate, movement.trailer_plate} - {""}
    return {
        "level": seen.level or _level(seen),
        "closes": seen.rules.claim_closes,
        "plate_seen": seen_plate,
        "plate_differs": bool(seen_plate) and seen_plate not in known,
        "clock": msgspec.to_builtins(seen.scan.clock),
    }


def _level(seen: Seen) -> Level:
    """A: the firm's own device or gatekeeper; B: whoever typed the digits on its screen."""
    if Role.FIRM in seen.actor.roles:
        return Level.A
    shown = fits(seen.place.screen_secret, seen.scan.code, seen.moment.at)
    return Level.B if shown else Level.C


def _passing(seen: Seen) -> dict[str, Any]:
    return {"clock": msgspec.to_builtins(seen.scan.clock)}


BODIES = {"entry": _entry, "exit": _passing, "arrival": _arrival, "departure": _passing}
