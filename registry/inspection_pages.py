"""What the staff see when they scan a posted code: the test scan, which no driver ever makes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound, Refused
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.accounts import known_actor
from registry.codes import Standing, read_code, standing_of
from registry.framing import INSPECTING, framing
from registry.inspections import RESULTS, TrialScan, last_scans, record_test_scan, trials_of
from registry.posters import short_number
from registry.wording import error

AnyRequest = Request[Any, Any, Any]


class TrialForm(Struct, frozen=True, kw_only=True):
    result: str = ""
    note: str = ""
    event_id: UUID | None = None


async def show_trial(
    conn: Connection,
    standing: Standing,
    actor: Actor,
    now: datetime,
    *,
    refused: Refused | None = None,
    values: dict[str, str] | None = None,
    event_id: UUID | None = None,
) -> Page:
    """The page of a posted code for a registrar or an inspector."""
    field = {"test_result_needed": "result", "note_too_long": "note"}
    told = [error(field.get(refused.code, ""), refused)] if refused else []
    return page(
        "test_scan.html",
        http_status=422 if refused else 200,
        standing=standing,
        number=short_number(standing.code),
        results=RESULTS,
        scans=await last_scans(conn, standing.place_id, standing.gate),
        tests=(await trials_of(conn, standing.place_id))[:5],
        values=values or {},
        errors=told,
        event_id=str(event_id or uuid7(now)),
        **framing(actor, f"/t/{standing.code}"),
    )


@post("/t/{code:str}/test", guards=[requires(*INSPECTING)], status_code=200)
async def test_scan_form(
    request: AnyRequest,
    code: FromPath[str],
    data: URLEncodedBody[TrialForm],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Record what was found at a posted code. Sent twice, it is recorded once."""
    actor, now = known_actor(request), clock.now()
    standing = await standing_of(tx, read_code(code), actor.district)
    if standing is None:
        raise NotFound("unknown_place")
    said = TrialScan(
        id=data.event_id or uuid7(now),
        gate=standing.gate,
        code=standing.code,
        result=data.result,
        note=data.note,
    )
    try:
        await record_test_scan(tx, standing.place_id, said, actor, now, district=actor.district)
    except Refused as refused:
        values = {"result": data.result, "note": data.note}
        return await show_trial(
            tx, standing, actor, now, refused=refused, values=values, event_id=data.event_id
        )
    return Redirect(f"/reg/places/{standing.place_id}", status_code=303)


HANDLERS: list[Any] = [test_scan_form]
