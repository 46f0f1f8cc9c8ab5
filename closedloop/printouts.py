"""A pass in the forms in which it is handed out: its offline digits, on paper, as a picture."""

from datetime import datetime
from typing import Literal

import structlog
from msgspec.structs import replace

from closedloop.model import Loop, State, state_at
from closedloop.reporting import Office
from closedloop.situation import Situation
from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Unavailable
from registry.model import Movement
from registry.offline_pass import MOST_STOPS, OfflinePass, written
from registry.pass_png import pass_png
from registry.passes import pass_number
from registry.posters import PassSheet
from registry.printing import pass_pdf
from registry.printing import printed as press
from registry.signing_keys import ensure_signer, private_of
from registry.world import World

log = structlog.get_logger()

Size = Literal["a6", "80mm"]
#: There is a number, and it opens nothing any more.
NOT_VALID = frozenset({State.VOIDED, State.CANCELLED, State.LAPSED})


def stands(movement: Movement, loop: Loop, now: datetime) -> bool:
    """Whether there is a pass, and it is neither withdrawn nor over."""
    return (
        not movement.blocked
        and movement.window_from is not None
        and movement.window_to is not None
        and state_at(loop, now) not in NOT_VALID
    )


def sheet_of(situation: Situation, world: World, office: Office, now: datetime) -> PassSheet:
    """Raises NotFound("no_pass_yet") for a draft, Conflict("pass_not_valid")."""
    movement, loop = situation.movement, situation.loop
    if movement.blocked or movement.window_from is None or movement.window_to is None:
        raise NotFound("no_pass_yet")
    if not stands(movement, loop, now):
        raise Conflict("pass_not_valid", state=state_at(loop, now))
    entry = world.places.get(movement.entry_place_id or 0)
    stop = world.places.get(movement.stops[0]) if movement.stops else None
    return PassSheet(
        number=pass_number(movement.movement_id, office.vault),
        plate=movement.plate,
        trailer_plate=movement.trailer_plate,
        checkpoint="" if entry is None else entry.name,
        destination="" if stop is None else stop.name,
        window_from=movement.window_from,
        window_to=movement.window_to,
    )


async def offline_digits(
    conn: Connection, office: Office, movement: Movement, world: World, now: datetime
) -> str:
    """Signed by the key of the hour; the first key is made here.

    Raises NotFound("no_pass_yet").
    """
    if movement.blocked or movement.window_from is None or movement.window_to is None:
        raise NotFound("no_pass_yet")
    key = await ensure_signer(conn, office.vault, world.signing_keys, now)
    said = OfflinePass(
        movement_id=movement.movement_id,
        window_from=movement.window_from,
        window_to=movement.window_to,
        entry_place_id=movement.entry_place_id or 0,
        stops=movement.stops[:MOST_STOPS],
        plate=movement.plate,
        trailer_plate=movement.trailer_plate,
    )
    return written(said, key.kid, private_of(key, office.vault))


async def offline_if_any(
    conn: Connection, office: Office, movement: Movement, world: World, now: datetime
) -> str:
    """Empty where no key can sign: the 24 digits must not wait for somebody to mend it."""
    try:
        return await offline_digits(conn, office, movement, world, now)
    except Unavailable as unavailable:
        log.warning("offline_pass_unsigned", error=unavailable.code)
        return ""


async def one_code(
    conn: Connection, office: Office, situation: Situation, now: datetime, *, offline: bool
) -> PassSheet:
    """The sheet with the offline digits, or without. Raises as `sheet_of` does, and Unavailable
    where no key can sign.
    """
    world = await office.cache.now(conn)
    sheet = sheet_of(situation, world, office, now)
    if not offline:
        return sheet
    digits = await offline_digits(conn, office, situation.movement, world, now)
    return replace(sheet, offline=digits)


async def printed(
    conn: Connection, office: Office, situation: Situation, size: Size, now: datetime
) -> bytes:
    """PDF with both codes. Raises as `sheet_of` does."""
    world = await office.cache.now(conn)
    sheet = sheet_of(situation, world, office, now)
    digits = await offline_if_any(conn, office, situation.movement, world, now)
    return await press(pass_pdf, replace(sheet, offline=digits), size)


async def pictured(
    conn: Connection, office: Office, situation: Situation, now: datetime, *, offline: bool
) -> bytes:
    """PNG. Raises as `one_code` does."""
    sheet = await one_code(conn, office, situation, now, offline=offline)
    return await press(pass_png, sheet)
