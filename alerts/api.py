"""Alerts and the pull feed under /api/v1."""

from datetime import datetime
from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from msgspec import Struct

from alerts import (
    actions_api,
    extensions_api,
    photo_pages,
    street_api,
    supervision_api,
    tickets_api,
)
from alerts.queries import Alert, alerts_of
from kernel.auth import actor_of, requires
from kernel.db import Connection
from kernel.errors import Malformed
from kernel.outbox import Message, feed
from registry.model import Role
from registry.scope import check_whole_city, own_district

READERS = (Role.DUTY, Role.AUDITOR)
MOST = 1000


class Alerts(Struct, frozen=True, kw_only=True):
    """`cursor` asks for the rest; it is null on the last page."""

    alerts: list[Alert]
    cursor: str | None


class Feed(Struct, frozen=True, kw_only=True):
    messages: list[Message]
    after: int


@get("/alerts", guards=[requires(*READERS)])
async def list_alerts(
    request: Request[Any, Any, Any],
    tx: NamedDependency[Connection],
    movement_id: FromQuery[int | None] = None,
    is_open: FromQuery[bool | None] = None,
    cursor: FromQuery[str] = "",
    limit: FromQuery[int] = 200,
) -> Alerts:
    """Alerts in order of raising. `is_open=true` leaves out those that an arrival has ended."""
    _check(limit)
    found = await alerts_of(
        tx,
        movement_id=movement_id,
        is_open=is_open,
        district=own_district(actor_of(request)),
        after=_cursor(cursor),
        limit=limit,
    )
    last = found[-1] if len(found) == limit else None
    return Alerts(
        alerts=found,
        cursor=None if last is None else f"{last.raised_at.isoformat()}~{last.movement_id}",
    )


@get("/feed", guards=[requires(*READERS)])
async def read_feed(
    request: Request[Any, Any, Any],
    tx: NamedDependency[Connection],
    after: FromQuery[int] = 0,
    limit: FromQuery[int] = 200,
) -> Feed:
    """Everything that was sent, in order; ask again from `after`. For the whole city only: a gap
    in its positions would look like a message that is yet to come.
    """
    check_whole_city(actor_of(request))
    _check(limit)
    messages = await feed(tx, after, limit)
    return Feed(messages=messages, after=messages[-1].position if messages else after)


def _check(limit: int) -> None:
    if not 1 <= limit <= MOST:
        raise Malformed("limit_out_of_range", most=MOST)


def _cursor(text: str) -> tuple[datetime, int] | None:
    if not text:
        return None
    at, _, movement_id = text.rpartition("~")
    try:
        return datetime.fromisoformat(at), int(movement_id)
    except ValueError as error:
        raise Malformed("cursor_malformed") from error


HANDLERS: list[Any] = [
    list_alerts,
    read_feed,
    *actions_api.HANDLERS,
    *extensions_api.HANDLERS,
    *photo_pages.API,
    *supervision_api.HANDLERS,
    *street_api.HANDLERS,
    *tickets_api.HANDLERS,
]
