"""What a venue's device sends, one visitor or many, and what it is answered item by item."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from closedloop.reporting import Office, actor_name
from closedloop.visit_model import RELATIONS, Came, Coming, number_of
from closedloop.visit_writer import VisitWriter
from closedloop.visiting import alarms, document_of, person_of_code
from closedloop.visits import check_gate, digest, moment, reports_at_once, told, venue_of
from kernel.auth import Actor
from kernel.clock import Clock
from kernel.db import Pool
from kernel.errors import Malformed, Refused, Unprocessable
from kernel.i18n import current_locale, t
from registry.model import Place
from registry.people import check_name
from registry.rules import RuleSet
from registry.world import World

MOST = 500
Text = Annotated[str, Meta(max_length=100)]
Digits = Annotated[str, Meta(max_length=400)]
Milliseconds = Annotated[int, Meta(ge=-(2**53), le=2**53)]


class VisitClock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`offset`: ms to add to the device's time, as last known."""

    monotonic: Milliseconds = 0
    offset: Milliseconds = 0


class VisitItem(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whoever came, by their document or the digits of their paper code. With `relation` the
    document is the guardian's and `name` the child's. `declared` holds the answers as they were
    given: question → yes or no.
    """

    id: UUID
    occurred_at: datetime
    gate: Text = ""
    id_type: Text = "resident"
    id_number: Text = ""
    name: Text = ""
    paper_code: Digits = ""
    relation: Text = ""
    declared: dict[Text, bool] | None = None
    offline: bool = False
    clock: VisitClock = VisitClock()


class VisitBatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Items are read one by one, so that a bad one does not spoil the others."""

    visits: list[Any]


class VisitReason(Struct, frozen=True, kw_only=True):
    code: str
    sentence: str
    mend: str
    hours: int | None = None


class VisitResult(Struct, frozen=True, kw_only=True):
    """`status`: recorded, repeated, conflict or refused; `shown`: clear, ask or stop. `report`: the
    district is to be told at once.
    """

    id: str | None
    status: str
    shown: str | None = None
    number: str | None = None
    masked_name: str = ""
    reasons: list[VisitReason] = []
    report: bool = False
    code: str | None = None
    detail: str | None = None
    facts: dict[str, Any] = {}


class VisitResults(Struct, frozen=True, kw_only=True):
    results: list[VisitResult]


class Reception(Struct, frozen=True, kw_only=True):
    """What taking visits needs."""

    office: Office
    writer: VisitWriter
    pool: Pool
    clock: Clock

    async def world(self) -> World:
        """From memory where it was compared a moment ago: a busy venue asks no database for it."""
        cache = self.office.cache
        if cache.fresh and cache.held is not None:
            return cache.held
        async with self.pool.acquire(timeout=2) as conn:
            return await cache.now(conn)


async def visit_results(reception: Reception, batch: VisitBatch, actor: Actor) -> VisitResults:
    """Raises Malformed `too_many_visits`, and as `venue_of` does."""
    if len(batch.visits) > MOST:
        raise Malformed("too_many_visits", most=MOST)
    world, now = await reception.world(), reception.clock.now()
    place, rules = venue_of(actor, world), world.rules_at(now)
    coming: dict[int, Coming] = {}
    results: dict[int, VisitResult] = {}
    for number, said in enumerate(batch.visits):
        try:
            item = _item(said)
            coming[number] = await _coming(reception, item, place, rules, actor, now)
        except Refused as refused:
            results[number] = _refused(_id_of(said), "refused", refused)
    came = await reception.writer.submit(list(coming.values()))
    for number, each in zip(coming, came, strict=True):
        results[number] = _result(each, rules)
    return VisitResults(results=[results[number] for number in range(len(batch.visits))])


def _item(said: Any) -> VisitItem:  # noqa: ANN401 - whatever a device sent
    try:
        return msgspec.convert(said, VisitItem)
    except msgspec.ValidationError as error:
        raise Malformed("visit_malformed", problem=str(error)) from error


def _id_of(said: Any) -> str | None:  # noqa: ANN401
    found: Any = said.get("id") if isinstance(said, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return found if isinstance(found, str) else None


async def _coming(
    reception: Reception,
    item: VisitItem,
    place: Place,
    rules: RuleSet,
    actor: Actor,
    now: datetime,
) -> Coming:
    if item.relation and item.relation not in RELATIONS:
        raise Unprocessable("relation_unknown")
    at, doubt = moment(item.occurred_at, now, offline=item.offline, offset_ms=item.clock.offset)
    name = check_name(item.name) if item.name.strip() else ""
    person_id, document = None, None
    if item.paper_code:
        async with reception.pool.acquire(timeout=2) as conn:
            person_id = await person_of_code(conn, reception.office, item.paper_code, now)
    else:
        of_adult = "" if item.relation else name
        document = document_of(reception.office.vault, item.id_type, item.id_number, of_adult, now)
    made = Coming(
        id=item.id,
        place_id=place.id,
        gate=check_gate(place, item.gate),
        way="assisted" if item.relation else "paper" if item.paper_code else "id_card",
        at=at,
        uncertainty_ms=doubt,
        offline=item.offline,
        person_id=person_id,
        document=document,
        name=name if item.relation else "",
        relation=item.relation,
        declared=None if item.declared is None else alarms(item.declared, rules),
        actor=actor_name(actor),
        digest=b"",
    )
    return replace(made, digest=digest(made))


def _result(came: Came, rules: RuleSet) -> VisitResult:
    if came.refusal is not None:
        return _refused(str(came.id), came.status, came.refusal)
    return VisitResult(
        id=str(came.id),
        status=came.status,
        shown=came.shown,
        number=number_of(came.id),
        masked_name=came.masked_name,
        reasons=[VisitReason(**each) for each in told(came.findings, rules, current_locale())],
        report=reports_at_once(came.findings, rules),
    )


def _refused(item: str | None, status: str, refused: Refused) -> VisitResult:
    detail = t(f"error.{refused.code}", **refused.facts)
    return VisitResult(
        id=item, status=status, code=refused.code, detail=detail, facts=refused.facts
    )
