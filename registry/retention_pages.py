"""How long each class of data is kept: shown, and changed by the security officer with a reason."""

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from kernel.audit import record_access
from kernel.auth import requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused, Unprocessable
from kernel.i18n import t
from kernel.retention import QUOTAS, change, changes, kept
from kernel.web import Page, page
from registry.accounts import home_of, known_actor
from registry.model import Role
from registry.wording import error, navigation

AnyRequest = Request[Any, Any, Any]
MOST_CHANGES = 50
MOST_DIGITS = 6


class RetentionForm(Struct, frozen=True, kw_only=True):
    name: str = ""
    amount: str = ""
    reason: str = ""


@get("/security/retention", guards=[requires(Role.SECURITY, Role.AUDITOR)])
async def retention_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    done: FromQuery[str] = "",
) -> Page:
    """Each class with its time and bounds, and every change there was."""
    return await _show(tx, request, RetentionForm(), notice=done == "yes")


@post("/security/retention", guards=[requires(Role.SECURITY)], status_code=200)
async def change_retention(
    request: AnyRequest,
    data: URLEncodedBody[RetentionForm],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Change one class. What was due before and is not now is kept from now on."""
    actor, now = known_actor(request), clock.now()
    try:
        async with tx.transaction():
            await change(
                tx,
                actor,
                name=data.name.replace("\0", ""),
                amount=await _amount(tx, data),
                reason=data.reason.replace("\0", ""),
                now=now,
            )
            await record_access(
                tx,
                actor,
                action="change_retention",
                subject_kind="retention",
                subject=data.name,
                reason=data.reason.strip().replace("\0", "")[:200],
                now=now,
            )
    except Refused as refused:
        return await _show(tx, request, data, refused=refused)
    return Redirect("/security/retention?done=yes", status_code=303)


async def _amount(conn: Connection, data: RetentionForm) -> int:
    text = data.amount.strip()
    if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS:
        return int(text)
    found = (await kept(conn)).get(data.name)
    bounds = (found.least, found.most) if found else (0, 0)
    raise Unprocessable("keeping_out_of_bounds", least=bounds[0], most=bounds[1])


async def _show(
    conn: Connection,
    request: AnyRequest,
    said: RetentionForm,
    *,
    notice: bool = False,
    refused: Refused | None = None,
) -> Page:
    actor = known_actor(request)
    return page(
        "retention.html",
        http_status=200 if refused is None else 422,
        path="/security/retention",
        classes=[
            {"name": each.name, "amount": each.amount, "least": each.least, "most": each.most}
            for each in (await kept(conn)).values()
        ],
        quotas=QUOTAS,
        changes=await changes(conn, MOST_CHANGES),
        may_change=Role.SECURITY in actor.roles,
        asked=said,
        notice=t("ui.retention.done") if notice else None,
        errors=[] if refused is None else [error(_field(said, refused), refused)],
        home_url=home_of(actor),
        nav=navigation(actor),
    )


def _field(said: RetentionForm, refused: Refused) -> str:
    part = "reason" if refused.code == "keeping_needs_reason" else "amount"
    return "" if refused.code == "unknown_class" else f"{part}-{said.name}"


HANDLERS = [retention_page, change_retention]
