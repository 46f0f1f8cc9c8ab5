"""The matrix of who may: every route, every role, and whose things they reach for.

The object is always the same: one movement that enters at the northern checkpoint of 410221 and is
bound for the mill there, with the mill, an application, an account and so on. The callers differ:

* `own`: stands at that place, or works for that district; * `place`: stands at another place;
* `district`: belongs to another district; * `none`: has neither place nor district.

A cell of tests/authz.csv has one sign for each of these, in this order: `+` let in, `-` kept out,
`.` there is no such caller. On routes that reach for nothing of anybody's, only `own` is asked.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from kernel.auth import Actor, public
from kernel.errors import Forbidden, Unauthenticated
from registry.model import Role
from registry.offices import AT_A_PLACE, OFFERED

FILE = Path(__file__).with_suffix(".csv")
VARIANTS = ("own", "place", "district", "none")
PLACED = frozenset({*AT_A_PLACE, Role.DESK})
#: Columns of the table. `halfway` has shown a password and owes the second factor.
COLUMNS = ("nobody", "halfway", "lane-device", "firm-device", *(role.value for role in OFFERED))
#: What a path or a form must name for the route to be about the one object.
OF_SOMEBODY = (
    "{movement_id", "{place_id", "{hold_id", "{alert_id", "{visit_id", "{ticket_id",
    "{due_id", "{oversight_id", "{problem_id", "{round_id",
)  # fmt: skip
#: Where a firm is a venue, which has visitors and no trucks.
AT_A_VENUE = ("/venue", "/api/v1/visits")


class Route(Struct, frozen=True, kw_only=True):
    method: str
    path: str
    handler: Any

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


class Caller(Struct, frozen=True, kw_only=True):
    column: str
    variant: str
    actor: Actor | None


def routes(app: Litestar) -> list[Route]:
    """Every route that somebody wrote; those of the API's own description are the framework's."""
    found = [
        Route(method=method, path=route.path, handler=handler)
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        if isinstance(handler, HTTPRouteHandler) and not route.path.startswith(DRAWN)
        for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"})
    ]
    return sorted(
        (each for each in found if each.path != "/api"), key=lambda each: (each.path, each.method)
    )


#: Drawn by the framework, which has no guard for them.
DRAWN = ("/api/openapi.json", "/api/{path:str}")


def variants(column: str, *, whole: bool) -> str:
    """The signs of a cell as a mask: `?` where there is somebody to ask."""
    if not whole or column in {"nobody", "halfway"}:
        return "?"
    if column.endswith("-device"):
        return "???."
    return "????" if column in PLACED else "?.??"


def callers(places: dict[str, int], column: str, *, whole: bool) -> Iterator[Caller]:
    """`places` names the own and the other ones: lane, firm, other-lane, other-firm, …"""
    for variant, sign in zip(VARIANTS, variants(column, whole=whole), strict=False):
        if sign == "?":
            actor = None if column == "nobody" else _actor(places, column, variant)
            yield Caller(column=column, variant=variant, actor=actor)


def _actor(places: dict[str, int], column: str, variant: str) -> Actor:
    role = "duty" if column == "halfway" else column.removesuffix("-device")
    device = uuid4() if column.endswith("-device") else None
    place_id, district = None, None
    if role in PLACED:
        side = {Role.FIRM: "firm", Role.RECEIVER: "body"}.get(Role(role), "lane")
        names = {"own": side, "place": f"other-{side}", "district": f"far-{side}"}
        place_id = places[names[variant]] if variant in names else None
        if role == Role.DESK and variant == "district":
            place_id, district = None, "410222"
    else:
        district = {"own": "410221", "district": "410222"}.get(variant)
    return Actor(
        id=device or uuid4(),
        kind="device" if device else "account",
        name=f"{column} {variant}",
        roles=frozenset({role}),
        place_id=place_id,
        district=district,
        device_id=device,
        owes="enrolment" if column == "halfway" else "",
        login_id=None if device else uuid4(),
    )


async def admits(route: Route, actor: Actor | None) -> bool:
    """What the guards alone say."""
    owing = actor is not None and bool(actor.owes)
    scope: Any = {
        "type": "http",
        "user": None if owing else actor,
        "state": {"halfway": actor if owing else None},
        "headers": [],
    }
    connection = ASGIConnection[Any, Any, Any, Any](scope)
    try:
        for guard in route.handler.resolve_guards():
            await guard(connection, route.handler)
    except (Unauthenticated, Forbidden):
        return False
    return True


def is_public(route: Route) -> bool:
    return public in route.handler.resolve_guards()


def about_somebody(route: Route, bodies: dict[str, Any]) -> bool:
    return route.name in bodies or any(mark in route.path for mark in OF_SOMEBODY)


def read_table() -> dict[str, dict[str, str]]:
    with FILE.open(encoding="utf-8", newline="") as file:
        return {row.pop("route"): row for row in csv.DictReader(file)}


def as_line(name: str, cells: dict[str, str]) -> str:
    return ",".join([name, *(cells.get(column, "") for column in COLUMNS)])


async def proposed(route: Route, places: dict[str, int], *, whole: bool) -> dict[str, str]:
    """A row as the guards have it: whose things they are, the guards do not know."""
    cells: dict[str, str] = {}
    for column in COLUMNS:
        signs = iter(
            [
                "+" if await admits(route, caller.actor) else "-"
                for caller in callers(places, column, whole=whole)
            ]
        )
        cells[column] = "".join(
            next(signs) if sign == "?" else "." for sign in variants(column, whole=whole)
        )
    return cells
