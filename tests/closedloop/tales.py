"""Events of one truck, told by the minute, for tests that need no database."""

import itertools
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from closedloop.fold import fold
from closedloop.model import Loop
from registry.model import Event
from tests.conftest import NOON

TRUCK = 4102000000001
GATE, MILL, DEPOT, ELSEWHERE = 1, 11, 12, 99
ROAD, LIMIT = 30, 75
#: What a white card must name.
WHITE: dict[str, Any] = {
    "reasons": [{"code": "test_missing", "card": "white"}],
    "rules_version": 1,
}
LANE, OTHER_LANE = UUID(int=1), UUID(int=2)

_numbers = itertools.count(1)


def minute(count: float) -> datetime:
    return NOON + timedelta(minutes=count)


def event(kind: str, at: float, /, *, received: float | None = None, **body: Any) -> Event:
    """`at` and `received` are minutes after noon; `place_id` in the body is the event's."""
    return Event(
        movement_id=TRUCK,
        event_id=UUID(int=next(_numbers)),
        kind=kind,
        occurred_at=minute(at),
        received_at=minute(at if received is None else received),
        place_id=body.pop("place_id", GATE),
        gate="1",
        uncertainty_ms=body.pop("uncertainty_ms", 0),
        device_id=body.pop("device_id", None),
        sequence=body.pop("sequence", None),
        body=body,
    )


def stop(place_id: int) -> dict[str, int]:
    return {"place_id": place_id, "road_minutes": ROAD, "limit_minutes": LIMIT}


def report(at: float = -60, *places: int, **body: Any) -> Event:
    said = {
        "failures": [],
        "stops": [stop(place) for place in places or (MILL,)],
        "window_to": minute(24 * 60).isoformat(),
        "expected_exit_at": minute(20 * 60).isoformat(),
        "exit_scan": False,
    }
    return event("reported", at, **said | body)


def draft(at: float = -60) -> Event:
    return report(at, failures=[{"code": "origin_missing", "blocks": True, "field": "origin"}])


def entry(at: float = 0, card: str = "green", **body: Any) -> Event:
    red = {"source": "province", "reason": "red_code"} if card == "red" else {}
    said: dict[str, Any] = red | (WHITE if card == "white" else {}) | body
    return event("entry", at, card=card, **said)


def hold(at: float = 5, **body: Any) -> Event:
    said: dict[str, Any] = {"source": "hospital 3", "reason": "suspected_case"} | body
    return event("hold", at, **said)


def arrival(at: float, level: str = "A", place_id: int = MILL, **body: Any) -> Event:
    return event("arrival", at, level=level, place_id=place_id, **body)


def confirm(at: float, place_id: int = MILL) -> Event:
    return event("confirm", at, level="A", place_id=place_id)


def divert(at: float, place_id: int = DEPOT) -> Event:
    return event("divert", at, stop=stop(place_id))


def closed(at: float) -> Event:
    return event("closed", at, reason="seen on camera", second_approver="another")


def told(*events: Event) -> Loop:
    return fold(TRUCK, events)


#: A short story that ends in each state which the fold stores.
WAYS: dict[str, tuple[Event, ...]] = {
    "draft": (draft(),),
    "issued": (report(),),
    "presented": (report(), entry(0, "duplicate")),
    "verifying": (report(), entry(0, "yellow")),
    "turned_back": (report(), entry(0, "white")),
    "held": (report(), entry(0, "red")),
    "transferred": (report(), entry(0, "red"), event("transferred", 10)),
    "released": (report(-60, MILL, DEPOT), entry()),
    "incident": (report(), entry(), event("incident", 10)),
    "discrepancy": (report(), entry(), arrival(40, plate_differs=True)),
    "exit_pending": (report(exit_scan=True), entry(), arrival(40)),
    "discharged": (report(), entry(), arrival(40)),
    "closed_by_officer": (report(), entry(), closed(300)),
    "referred": (report(), entry(), event("referred", 24 * 60)),
    "voided": (report(), event("voided", -10)),
    "cancelled": (report(), event("cancelled", -10)),
}
