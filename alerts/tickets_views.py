"""What the information desk shows: rows of the list, one item's history, the strip on top."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from alerts.charts import Bar, bars
from alerts.desk_views import minutes_since
from alerts.tickets_model import REASONS, Kind, Ticket, TicketAct, is_late
from alerts.tickets_queries import Load, Row, Step
from alerts.tickets_trace import Decision
from alerts.tickets_units import Unit
from alerts.tickets_words import Said
from closedloop.watching import name_of
from kernel.auth import Actor
from kernel.i18n import current_locale, t
from registry.desk_rules import DeskRules
from registry.model import PlaceKind
from registry.plates import kind_shown
from registry.rules import RuleSet
from registry.scope import covers, own_district
from registry.world import World

#: Minutes from which a band of age begins.
BANDS = (30, 120, 480)
UNITS = ("", "district", "police", "firm", "checkpoint")
KEYED = (TicketAct.PUSH, TicketAct.REPLY, TicketAct.ANSWER, TicketAct.SEND_BACK)


class TicketRow(Struct, frozen=True, kw_only=True):
    """An item on the list, in words; hashable, so that a row that is drawn serves again."""

    id: UUID
    number: str
    what: str
    kind: Kind
    state: str
    urgency: int
    crowded: bool
    late: bool
    left_minutes: int
    due_at: datetime | None
    age_minutes: int
    received_at: datetime
    unit: str
    masked_name: str
    plate: str
    plate_kind: str
    owner: str
    mine: bool
    put_off: datetime | None


def row(each: Row, desk: DeskRules, actor: Actor | None, now: datetime) -> TicketRow:
    ticket = each.ticket
    late = is_late(ticket.due_at, now)
    put_off = ticket.not_before if ticket.not_before and ticket.not_before > now else None
    due_at = ticket.due_at or now
    held = ticket.claimed_until is not None and ticket.claimed_until > now
    return TicketRow(
        id=ticket.id,
        number=ticket.number,
        what=what(ticket, desk),
        kind=ticket.kind,
        state=ticket.state,
        urgency=each.urgency,
        crowded=ticket.crowded,
        late=late,
        left_minutes=minutes_since(due_at, now) if late else minutes_since(now, due_at),
        due_at=ticket.due_at,
        age_minutes=minutes_since(ticket.received_at, now),
        received_at=ticket.received_at,
        unit=unit_said(ticket, each.place, each.district),
        masked_name=ticket.masked_name,
        plate=ticket.plate,
        plate_kind=kind_shown(ticket.plate) if ticket.plate else "",
        owner=each.owner,
        mine=actor is not None and held and ticket.claimed_by == actor.id,
        put_off=put_off,
    )


def what(ticket: Ticket, desk: DeskRules) -> str:
    category = desk.category(ticket.kind, ticket.category)
    return ticket.category if category is None else getattr(category.label, current_locale())


def unit_said(ticket: Ticket, place: str, district: str) -> str:
    if not ticket.unit_kind:
        return district
    if ticket.unit_place_id is not None:
        return place
    return " ".join(part for part in (t(f"ticket.unit.{ticket.unit_kind}"), district) if part)


def strip(found: Sequence[Load]) -> dict[str, Any]:
    """Open items by unit; those behind their step are hatched; the table has the ages."""
    total = sum(each.n for each in found) or 1
    rows: list[dict[str, Any]] = []
    drawn: list[Bar] = []
    for unit in UNITS:
        own = [each for each in found if each.unit == unit]
        n, late = sum(each.n for each in own), sum(each.late for each in own)
        by_band = [sum(each.n for each in own if each.band == band) for band in range(4)]
        rows.append(
            {
                "label": t(f"ticket.unit.{unit or 'none'}"),
                "n": n,
                "late": late,
                "bands": by_band,
            }
        )
        drawn.append(Bar(label=rows[-1]["label"], value=n, share=n / total, second=late))
    return {
        "svg": bars(t("ui.infodesk.open"), drawn),
        "rows": rows,
        "total": sum(each["n"] for each in rows),
        "late": sum(each["late"] for each in rows),
    }


def story(
    steps: Sequence[Step], said: dict[UUID, Said], rules: RuleSet, world: World
) -> list[dict[str, Any]]:
    """The newest first."""
    locale = current_locale()
    asked = {each.code: each for each in rules.screening}
    triage = {each.code: each for each in rules.information.triage}
    results = {each.code: each.label for each in rules.information.call_results}
    told = list[dict[str, Any]]()
    for step in reversed(steps):
        words = said.get(step.event_id, Said())
        answers = [
            {
                "question": getattr(known.sentence, locale) if known else code,
                "answer": _answer(asked.get(code), answer),
            }
            for code, answer in words.answers.items()
            for known in (asked.get(code) or triage.get(code),)
        ]
        result = results.get(str(step.body.get("result")))
        told.append(
            {
                "at": step.at,
                "what": t(f"ticket.act.{step.act}"),
                "who": step.who or t(f"ticket.by.{_kind_of(step.actor)}"),
                "late": step.late,
                "due_at": step.due_at,
                "detail": getattr(result, locale) if result else _detail(step, world),
                "words": words.words,
                "answers": answers,
            }
        )
    return told


def _kind_of(actor: str) -> str:
    kind = actor.partition(":")[0]
    return kind if kind in {"caller", "system"} else "account"


def _answer(asked: Any, answer: str) -> str:  # noqa: ANN401 - a question, or none
    own = {each.code: each.label for each in (asked.answers if asked else ())}
    return (
        getattr(own[answer], current_locale()) if answer in own else t(f"ui.case.answer.{answer}")
    )


def _detail(step: Step, world: World) -> str:
    body = step.body
    if body.get("unit"):
        unit = Unit(**body["unit"])
        place = name_of(world, unit.place_id)
        return place or t(f"ticket.unit.{unit.kind or 'none'}")
    if body.get("rating"):
        return t(f"ticket.rating.{body['rating']}")
    return t(f"ticket.reason.{body['reason']}") if body.get("reason") else ""


def reasons(acts: Sequence[TicketAct]) -> list[dict[str, str]]:
    """For whichever of the acts is chosen; each reason belongs to one."""
    named = [(act, reason) for act in acts if act in REASONS for reason in REASONS[act]]
    return [{"value": reason, "label": _reason(act, reason)} for act, reason in named]


def _reason(act: TicketAct, reason: str) -> str:
    return t("ui.ticket.because", act=t(f"ticket.act.{act}"), reason=t(f"ticket.reason.{reason}"))


def units(world: World, districts: dict[str, str], actor: Actor) -> list[dict[str, str]]:
    """Districts and their police first, then checkpoints, then firms."""
    own = own_district(actor)
    said = [
        {"value": f"{kind}:{code}", "label": f"{t(f'ticket.unit.{kind}')} {name}"}
        for kind in ("district", "police")
        for code, name in districts.items()
    ]
    kinds = (PlaceKind.CHECKPOINT, PlaceKind.DESTINATION)
    places = sorted(
        (p for p in world.places.values() if p.kind in kinds and covers(own, p.district_code)),
        key=lambda place: (place.kind, place.name),
    )
    return said + [{"value": f"place:{each.id}", "label": each.name} for each in places]


def decision(each: Decision) -> dict[str, Any]:
    kind = "outcome" if each.what in {"release", "turn_back", "hold"} else "card"
    return {
        "movement_id": each.movement_id,
        "event_id": each.event_id,
        "plate": each.plate,
        "plate_kind": kind_shown(each.plate),
        "at": each.at,
        "place": each.place,
        "gate": each.gate,
        "what": t(f"{kind}.{each.what}"),
        "turned_back": each.what in {"turn_back", "white"},
        "reason": each.reason,
        "rules": [{"code": code, "sentence": sentence} for code, sentence in each.rules],
        "version": each.version,
        "who": each.who,
        "by_device": each.by_device,
    }
