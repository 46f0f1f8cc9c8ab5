"""The form that opens a case of tracing, read."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from closedloop.tracing_cases import Asked, NewCase
from kernel.errors import Unprocessable
from kernel.i18n import LOCAL_ZONE
from registry.office_views import place_number

HOUR_FIELD = "%Y-%m-%dT%H:%M"


class NewForm(Struct, frozen=True, kw_only=True):
    event_id: UUID
    number: str = ""
    reason: str = ""
    since: str = ""
    until: str = ""
    movement_id: str = ""
    id_number: str = ""
    plates: str = ""
    place_id: str = ""


def said(data: NewForm) -> NewCase:
    """Raises Unprocessable `trace_window_wrong`; Malformed `unknown_place_chosen`."""
    return NewCase(
        id=data.event_id,
        number=data.number,
        reason=data.reason,
        since=_hour(data.since),
        until=_hour(data.until),
        subjects=_subjects(data),
    )


def _hour(text: str) -> datetime:
    try:
        return datetime.strptime(text.strip(), HOUR_FIELD).replace(tzinfo=LOCAL_ZONE)
    except ValueError as wrong:
        raise Unprocessable("trace_window_wrong") from wrong


def _subjects(data: NewForm) -> tuple[Asked, ...]:
    """A truck's crew, a document, plates with commas between, a place."""
    movement_id, place_id = place_number(data.movement_id), place_number(data.place_id)
    asked = [] if movement_id is None else [Asked(movement_id=movement_id)]
    if data.id_number.strip():
        asked.append(Asked(id_number=data.id_number))
    plates = data.plates.replace("，", ",").replace("、", ",").split(",")
    asked += [Asked(plate=plate) for plate in plates if plate.strip()]
    return (*asked, *([] if place_id is None else [Asked(place_id=place_id)]))
