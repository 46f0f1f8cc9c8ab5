"""Which firms and carriers have marks, for duty, auditor and registrar."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency

from alerts.marks import MOST, Marked, by_whom, marks_between
from kernel.auth import requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.web import COMPRESSED, Page, page
from registry.accounts import home_of, known_actor
from registry.marks import COUNTED, shown
from registry.model import Role
from registry.plates import kind_shown, masked_plate
from registry.scope import own_district
from registry.wording import navigation

AnyRequest = Request[Any, Any, Any]
#: Whoever may look into a journey; a registrar sees what concerns places.
LOOKERS = (Role.DUTY, Role.AUDITOR)
PATH = "/duty/marks"


@get(PATH, guards=[requires(*LOOKERS, Role.REGISTRAR)], middleware=COMPRESSED)
async def marks_page(
    request: AnyRequest, tx: NamedDependency[Connection], clock: NamedDependency[Clock]
) -> Page:
    """Firms and carriers with the marks of ninety days, those with most standing ones first."""
    actor, now = known_actor(request), clock.now()
    whole = bool(actor.roles & set(LOOKERS))
    found = await marks_between(tx, now - COUNTED, now, district=own_district(actor))
    return page(
        "marks.html",
        days=COUNTED.days,
        most=MOST if len(found) == MOST else None,
        firms=[_told(each, whole=whole) for each in by_whom(found, "firm")],
        carriers=[_told(each, whole=whole) for each in by_whom(found, "carrier")],
        may_see_places=Role.REGISTRAR in actor.roles,
        path=PATH,
        nav=navigation(actor),
        home_url=home_of(actor),
    )


def _told(each: Marked, *, whole: bool) -> dict[str, Any]:
    carrier = each.about == "carrier"
    return {
        "place_id": each.place_id,
        "name": masked_plate(each.name) if carrier and not whole else each.name,
        "plate_kind": kind_shown(each.name) if carrier else "",
        "standing": each.standing,
        "lifted": len(each.marks) - each.standing,
        "marks": [shown(mark, whole=whole) for mark in each.marks],
    }


HANDLERS: list[Any] = [marks_page]
