"""The driver's page on which a hold is appealed against; the key of the pass opens it."""

from datetime import datetime
from typing import Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from alerts.desk_views import options
from checkpoint.appeals import LONGEST_NOTE, appeal
from checkpoint.holds import GROUNDS
from closedloop.hold_words import reason_said
from closedloop.model import State
from closedloop.pass_pages import event_id_in, own_situation
from closedloop.reporting import Office
from closedloop.situation import Situation
from kernel.auth import public
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import current_locale, other_locale
from kernel.ids import uuid7
from kernel.web import Page, page, url_with
from registry.plates import kind_shown
from registry.wording import error

_FIELDS = {"grounds_needed": "grounds"}


class AppealForm(Struct, frozen=True, kw_only=True):
    event_id: str = ""
    grounds: str = ""
    note: str = ""


@get("/d/{pass_ref:str}/appeal", guards=[public])
async def appeal_page(
    pass_ref: FromPath[str],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Why the hold is wrong, in one choice and a few words."""
    situation = await own_situation(tx, office, pass_ref)
    return await _show(tx, office, situation, pass_ref, clock.now(), AppealForm())


async def _show(
    conn: Connection,
    office: Office,
    situation: Situation,
    pass_ref: str,
    now: datetime,
    said: AppealForm,
    told: dict[str, str] | None = None,
) -> Page | Redirect:
    held = situation.loop.hold
    if situation.loop.state is not State.HELD or held is None:
        return Redirect(f"/d/{pass_ref}", status_code=303)
    path = f"/d/{pass_ref}/appeal"
    return page(
        "appeal.html",
        http_status=422 if told else 200,
        plate=situation.movement.plate,
        plate_kind=kind_shown(situation.movement.plate),
        reason=reason_said(held, await office.cache.now(conn)),
        minutes=held.appeal_minutes,
        grounds=options("hold.grounds", GROUNDS),
        longest=LONGEST_NOTE,
        pass_url=f"/d/{pass_ref}",
        event_id=said.event_id or str(uuid7(now)),
        values={"grounds": said.grounds, "note": said.note},
        errors=[told] if told else [],
        path=path,
        other_locale_url=url_with(path, lang=other_locale(current_locale())),
    )


@post("/d/{pass_ref:str}/appeal", guards=[public], status_code=200)
async def appeal_form(
    pass_ref: FromPath[str],
    data: URLEncodedBody[AppealForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """The appeal is sent; its answer is due within its own time, and comes to the pass page."""
    now = clock.now()
    situation = await own_situation(tx, office, pass_ref)
    held = situation.loop.hold
    if held is not None:
        try:
            await appeal(
                tx,
                office,
                situation.movement.movement_id,
                held.id,
                event_id=event_id_in(data.event_id, now),
                grounds=data.grounds,
                note=data.note[:LONGEST_NOTE],
                actor=None,
                now=now,
            )
        except Refused as refused:
            told = error(_FIELDS.get(refused.code, ""), refused)
            return await _show(tx, office, situation, pass_ref, now, data, told)
    return Redirect(f"/d/{pass_ref}", status_code=303)


HANDLERS: list[Any] = [appeal_page, appeal_form]
