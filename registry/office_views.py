"""What the pages of the three offices have in common: their frame, their choices, their forms."""

from collections.abc import Collection
from typing import Any

from litestar import Request

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Malformed
from kernel.i18n import current_locale, other_locale, t
from kernel.web import url_with
from registry.account_queries import places_to_choose
from registry.account_wishes import Wish
from registry.accounts import home_of
from registry.offices import OFFERED
from registry.places import districts
from registry.wording import navigation

PER_PAGE = 100
#: No place has a longer number.
LONGEST_NUMBER = 18


def framed(actor: Actor, path: str) -> dict[str, Any]:
    """A refused form is answered under an address that cannot be read: links lead to the page."""
    other = other_locale(current_locale())
    return {
        "home_url": home_of(actor),
        "nav": navigation(actor),
        "path": path,
        "other_locale_url": url_with(path, lang=other),
    }


def roles_spoken(roles: Collection[str]) -> str:
    """In the order of the list that is offered."""
    return " · ".join(t(f"ui.role.{role.value}") for role in OFFERED if role in roles)


async def choices(conn: Connection, chosen: Collection[str] = ()) -> dict[str, Any]:
    return {
        "roles": [
            {"value": role.value, "label": t(f"ui.role.{role.value}"), "on": role in chosen}
            for role in OFFERED
        ],
        "places": [
            {"value": number, "label": name} for number, name in await places_to_choose(conn)
        ],
        "districts": [{"value": code, "label": name} for code, name in await districts(conn)],
    }


async def fields_of(request: Request[Any, Any, Any]) -> tuple[dict[str, str], frozenset[str]]:
    """The fields of a form, and the roles that were ticked in it."""
    form = await request.form()
    texts = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    ticked = [value for value in form.getall("role", []) if isinstance(value, str)]
    return {name: value.replace("\0", "") for name, value in texts.items()}, frozenset(ticked)


def wish_of(fields: dict[str, str], roles: frozenset[str]) -> Wish:
    return Wish(
        roles=roles,
        place_id=place_number(fields.get("place", "")),
        district=fields.get("district", "").strip() or None,
    )


def place_number(typed: str) -> int | None:
    """Raises Malformed `unknown_place_chosen`."""
    typed = typed.strip()
    if not typed:
        return None
    if not (typed.isascii() and typed.isdecimal() and len(typed) <= LONGEST_NUMBER):
        raise Malformed("unknown_place_chosen")
    return int(typed)
