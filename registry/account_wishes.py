"""What an account is to be, and whether it may."""

from msgspec import Struct

from kernel.db import Connection
from kernel.errors import Malformed
from registry.bodies import is_body
from registry.model import Role
from registry.offices import AT_A_PLACE, check_roles


class Wish(Struct, frozen=True, kw_only=True):
    roles: frozenset[str]
    place_id: int | None = None
    district: str | None = None


async def check_wish(conn: Connection, wish: Wish) -> None:
    """Who takes people over stands at a body that may.

    Raises Malformed `unknown_role`, `place_needed`, `body_needed`; Conflict `offices_apart`.
    """
    check_roles(wish.roles)
    if wish.roles & AT_A_PLACE and wish.place_id is None:
        raise Malformed("place_needed")
    if Role.RECEIVER in wish.roles and not await is_body(conn, wish.place_id or 0):
        raise Malformed("body_needed")
