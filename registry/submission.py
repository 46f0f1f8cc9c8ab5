"""What a driver says before travelling, and what is wrong with it (seed 004, Q05).

Pure: the same check serves the page, the API and the desk. A submission that fails is kept as a
draft with its failures, so nothing typed is lost.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from kernel.errors import Refused
from registry import people, plates
from registry.model import Failure, PlaceKind
from registry.rules import RuleSet, window
from registry.world import World

LOCAL = ZoneInfo("Asia/Shanghai")
MOST_CREW = 5
MOST_STOPS = 9
#: A report may be sent a little after the time it names: the truck is at the gate already.
LATE_ENTRY = timedelta(hours=6)


class Companion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str = ""
    id_type: str = "resident"
    id_number: str = ""
    phone: str = ""
    declared: dict[str, bool] = {}


class Submission(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ten fields of seed 004 with destinations, crew and trailer. `declared` answers the
    questions of the rule set by code; times without a zone are local (Asia/Shanghai).
    """

    name: str = ""
    id_type: str = "resident"
    id_number: str = ""
    phone: str = ""
    plate: str = ""
    trailer_plate: str = ""
    origin: str = ""
    entry_place_id: int | None = None
    expected_entry_at: datetime | None = None
    expected_exit_at: datetime | None = None
    declared: dict[str, bool] = {}
    stops: tuple[int, ...] = ()
    crew: tuple[Companion, ...] = ()
    goods: str = ""


class Person(Struct, frozen=True, kw_only=True):
    name: str
    id_type: str
    id_number: str
    phone: str
    role: str
    declared: dict[str, bool]


class Checked(Struct, frozen=True, kw_only=True):
    """What is sound in a submission. `people` holds those whose documents are in order."""

    plate: str
    trailer_plate: str
    origin: str
    goods: str
    entry_place_id: int | None
    stops: tuple[int, ...]
    expected_entry_at: datetime | None
    expected_exit_at: datetime | None
    window_from: datetime | None
    window_to: datetime | None
    people: tuple[Person, ...]
    failures: tuple[Failure, ...]


class _Report:
    """Collects failures while the fields are read."""

    def __init__(self) -> None:
        self.failures: list[Failure] = []

    def fail(self, code: str, field: str, **facts: object) -> None:
        self.failures.append(Failure(code=code, field=field, blocks=True, facts=facts))

    def read(self, field: str, check: Callable[[], str], empty: str) -> str:
        try:
            return check()
        except Refused as refused:
            self.fail(refused.code, field, **refused.facts)
            return empty


def check_submission(said: Submission, world: World, now: datetime) -> Checked:
    report = _Report()
    rules = world.rules_at(now)
    entry_at, exit_at = _times(report, said, rules, now)
    start, end = window(entry_at, rules.limits) if entry_at else (None, None)
    return Checked(
        plate=_plate(report, said.plate, "plate", required=True),
        trailer_plate=_plate(report, said.trailer_plate, "trailer_plate", required=False),
        origin=_text(report, said.origin, "origin"),
        goods=said.goods if said.goods in {goods.code for goods in rules.goods} else "other",
        entry_place_id=_entry(report, said.entry_place_id, world),
        stops=_stops(report, said.stops, world),
        expected_entry_at=entry_at,
        expected_exit_at=exit_at,
        window_from=start,
        window_to=end,
        people=tuple(_people(report, said, rules, now)),
        failures=tuple(report.failures),
    )


def local(at: datetime | None) -> datetime | None:
    return at if at is None or at.tzinfo is not None else at.replace(tzinfo=LOCAL)


def _times(
    report: _Report, said: Submission, rules: RuleSet, now: datetime
) -> tuple[datetime | None, datetime | None]:
    entry_at, exit_at = local(said.expected_entry_at), local(said.expected_exit_at)
    days = rules.limits.report_ahead_days
    if entry_at is None:
        report.fail("entry_time_missing", "expected_entry_at")
    elif entry_at < now - LATE_ENTRY:
        report.fail("entry_time_past", "expected_entry_at")
    elif entry_at > now + timedelta(days=days):
        report.fail("entry_time_too_far", "expected_entry_at", days=days)
    if exit_at is None:
        report.fail("exit_time_missing", "expected_exit_at")
    elif entry_at is not None and exit_at <= entry_at:
        report.fail("exit_before_entry", "expected_exit_at")
    return entry_at, exit_at


def _plate(report: _Report, text: str, field: str, *, required: bool) -> str:
    if not text.strip():
        if required:
            report.fail("plate_missing", field)
        return ""
    return report.read(field, lambda: plates.parse(text).text, "")


def _text(report: _Report, text: str, field: str) -> str:
    kept = text.strip()[:100]
    if not kept:
        report.fail(f"{field}_missing", field)
    return kept


def _entry(report: _Report, place_id: int | None, world: World) -> int | None:
    if place_id is None:
        report.fail("entry_place_missing", "entry_place_id")
        return None
    place = world.places.get(place_id)
    if place is None or place.kind is not PlaceKind.CHECKPOINT or not place.active:
        report.fail("entry_place_unknown", "entry_place_id")
        return None
    return place_id


def _stops(report: _Report, stops: tuple[int, ...], world: World) -> tuple[int, ...]:
    if not stops:
        report.fail("destination_missing", "stop_1")
    if len(stops) > MOST_STOPS:
        report.fail("too_many_stops", "stop_1", most=MOST_STOPS)
    for number, place_id in enumerate(stops, start=1):
        place = world.places.get(place_id)
        if place is None or place.kind is not PlaceKind.DESTINATION or not place.active:
            report.fail("destination_unknown", f"stop_{number}")
            return ()
    return stops[:MOST_STOPS]


def _people(report: _Report, said: Submission, rules: RuleSet, now: datetime) -> Iterator[Person]:
    driver = Companion(
        name=said.name,
        id_type=said.id_type,
        id_number=said.id_number,
        phone=said.phone,
        declared=said.declared,
    )
    yield from _person(report, driver, "", rules, now)
    if len(said.crew) > MOST_CREW:
        report.fail("too_many_crew", "crew_1_name", most=MOST_CREW)
    for number, companion in enumerate(said.crew[:MOST_CREW], start=1):
        yield from _person(report, companion, f"crew_{number}_", rules, now)


def _person(
    report: _Report, said: Companion, prefix: str, rules: RuleSet, now: datetime
) -> Iterator[Person]:
    before = len(report.failures)
    today = now.astimezone(LOCAL).date()
    name = report.read(f"{prefix}name", lambda: people.check_name(said.name), "")
    number = report.read(
        f"{prefix}id_number",
        lambda: people.check_document(said.id_type, said.id_number, today=today),
        "",
    )
    phone = ""
    if not prefix or said.phone.strip():
        phone = report.read(f"{prefix}phone", lambda: people.check_phone(said.phone), "")
    for question in rules.questions if not prefix else ():
        if question.code not in said.declared:
            report.fail("question_unanswered", f"q_{question.code}")
    if len(report.failures) == before:
        yield Person(
            name=name,
            id_type=said.id_type,
            id_number=number,
            phone=phone,
            role="crew" if prefix else "driver",
            declared=dict(said.declared),
        )
