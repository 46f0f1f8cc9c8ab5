"""The auditor reads who looked at whom, and changes nothing."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Response

from kernel.access_alarms import alarms_since
from kernel.audit import record_access
from kernel.auth import requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Malformed, Refused
from kernel.i18n import LOCAL_ZONE, has, t
from kernel.web import Page, page, url_with
from registry.account_queries import Access, AccessQuery, accesses
from registry.accounts import known_actor
from registry.model import Role
from registry.office_views import PER_PAGE, framed
from registry.scope import own_district
from registry.wording import error

AnyRequest = Request[Any, Any, Any]
LONGEST = 100
ALARMS_SHOWN = timedelta(days=14)
_BETWEEN = "~"


@get("/audit", guards=[requires(Role.AUDITOR)])
async def audit_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    actor: FromQuery[str] = "",
    subject: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    before: FromQuery[str] = "",
) -> Page | Response[Any]:
    """Accesses, the newest first, by who looked, at what, and when. This reading is one of them."""
    reader, now = known_actor(request), clock.now()
    asked = {"actor": actor, "subject": subject, "since": since, "until": until}
    found: list[Access] = []
    told: list[dict[str, str]] = []
    try:
        found = await accesses(tx, _query(asked, before, own_district(reader)))
    except Refused as refused:
        told = [error(str(refused.facts.get("field", "")), refused)]
    await record_access(
        tx,
        reader,
        action="read_audit",
        subject_kind="audit",
        subject=actor[:LONGEST].replace("\0", "") or subject[:LONGEST].replace("\0", "") or "all",
        reason="audit page",
        now=now,
    )
    kept = {name: value or None for name, value in asked.items()}
    last = found[-1] if len(found) == PER_PAGE else None
    cursor = f"{last.at.isoformat()}{_BETWEEN}{last.id}" if last else None
    return page(
        "audit.html",
        http_status=422 if told else 200,
        accesses=[(each, _spoken(each)) for each in found],
        next_url=url_with("/audit", kept, before=cursor) if cursor else None,
        values=asked,
        alarms=await alarms_since(tx, (now - ALARMS_SHOWN).date()),
        errors=told,
        **framed(reader, url_with("/audit", kept)),
    )


def _spoken(access: Access) -> dict[str, str]:
    """In the reader's words; a reason that an officer wrote stands as it was written."""
    words = {
        "action": ("act", access.action),
        "kind": ("act.on", access.subject_kind),
        "reason": ("act.for", access.reason),
    }
    return {name: _word(*word) for name, word in words.items()}


def _word(group: str, code: str) -> str:
    key = f"{group}.{code}"
    return t(key) if has(key) else code


def _query(asked: dict[str, str], before: str, district: str | None) -> AccessQuery:
    """Raises Malformed `account_number_wrong`, `day_wrong`, `cursor_malformed`."""
    until = _day(asked["until"], "until")
    return AccessQuery(
        actor=_id(asked["actor"]),
        subject=asked["subject"].replace("\0", "").strip()[:LONGEST],
        since=_day(asked["since"], "since"),
        until=until + timedelta(days=1) if until else None,
        district=district,
        before=_cursor(before),
        limit=PER_PAGE,
    )


def _id(typed: str) -> UUID | None:
    if not typed.strip():
        return None
    try:
        return UUID(typed.strip())
    except ValueError as wrong:
        raise Malformed("account_number_wrong", field="actor") from wrong


def _day(typed: str, field: str) -> datetime | None:
    """Midnight here, where that day begins."""
    if not typed.strip():
        return None
    try:
        day = datetime.strptime(typed.strip(), "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError as wrong:
        raise Malformed("day_wrong", field=field) from wrong
    if not 2000 <= day.year <= 2200:
        raise Malformed("day_wrong", field=field)
    return datetime.combine(day, time(), LOCAL_ZONE)


def _cursor(text: str) -> tuple[datetime, UUID] | None:
    if not text:
        return None
    at, _, number = text.partition(_BETWEEN)
    try:
        read = datetime.fromisoformat(at), UUID(number)
    except ValueError as wrong:
        raise Malformed("cursor_malformed") from wrong
    if read[0].tzinfo is None:
        raise Malformed("cursor_malformed")
    return read


HANDLERS: list[Any] = [audit_page]
