"""A firm or a dispatcher prepares a report and sends the driver a link; the driver answers the
questions of the rule set and sends it.
"""

from datetime import timedelta
from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency

from closedloop.drafting import USUAL
from closedloop.question_forms import read_typed, told
from closedloop.report_form import offered
from closedloop.reporting import Office, actor_name
from closedloop.watching import name_of, who
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import current_locale
from kernel.outbox import post_to_phone
from kernel.settings import Settings
from kernel.web import Page, page
from registry.accounts import home_of
from registry.drafts import Typed, begin, prepared_by
from registry.model import Role
from registry.people import check_phone
from registry.plates import parse
from registry.wording import navigation

AnyRequest = Request[Any, Any, Any]
DISPATCHERS = (Role.DISPATCHER, Role.FIRM)
SHOWN = timedelta(days=3)


@get("/dispatch", guards=[requires(*DISPATCHERS)])
async def dispatch_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """The form, and what was prepared in these three days."""
    actor = who(request)
    own = {"stop_1": str(actor.place_id)} if actor.place_id is not None else {}
    return await _form(tx, office, actor, USUAL | own, clock)


async def _form(
    conn: Connection,
    office: Office,
    actor: Actor,
    typed: Typed,
    clock: Clock,
    errors: list[dict[str, str]] | None = None,
    link: str | None = None,
) -> Page:
    world, now = await office.cache.now(conn), clock.now()
    form = offered(world, world.rules_at(now))
    return page(
        "report.html",
        http_status=422 if errors else 200,
        path="/dispatch",
        action="/dispatch",
        mode="dispatch",
        values=typed,
        errors=errors or [],
        link=link,
        prepared=await prepared_by(conn, actor_name(actor), now - SHOWN),
        home_url=home_of(actor),
        nav=navigation(actor),
        **{name: each for name, each in form.items() if name != "questions"},
    )


@post("/dispatch", guards=[requires(*DISPATCHERS)], status_code=200)
async def dispatch_form(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Page:
    """The link is shown once and goes to the driver's phone. What else is missing or wrong the
    driver is asked; the questions are always the driver's own.
    """
    actor, now, said = who(request), clock.now(), await read_typed(request)
    typed = {f: v for f, v in said.items() if not f.startswith(("q_", "_"))}
    errors = _errors(typed)
    if errors:
        return await _form(tx, office, actor, typed, clock, errors)
    draft_id, link = await begin(
        tx,
        office.vault,
        token=None,
        typed=typed,
        channel="prepared",
        made_by=actor_name(actor),
        now=now,
    )
    address = f"{settings.public_url}/d/l/{link}"
    world = await office.cache.now(tx)
    await post_to_phone(
        tx,
        office.vault,
        to=check_phone(typed["phone"]),
        kind="report_prepared",
        facts={"url": address, "who": name_of(world, actor.place_id) or actor.name},
        key=f"draft:{draft_id}",
        lang=current_locale(),
        now=now,
    )
    return await _form(tx, office, actor, USUAL, clock, link=address)


def _errors(typed: Typed) -> list[dict[str, str]]:
    """What must be right for the link to reach its driver, and for the driver to know the trip."""
    errors: list[dict[str, str]] = []
    for field, check in (("phone", check_phone), ("plate", parse)):
        try:
            check(typed.get(field, ""))
        except Refused as refused:
            errors += told(field, refused.code, **refused.facts)
    return errors


HANDLERS: list[Any] = [dispatch_page, dispatch_form]
