"""Applying for dedicated codes, and mending what was sent back (seed 004, seed 001)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

import msgspec
from asyncpg import UniqueViolationError
from msgspec import UNSET, Struct, UnsetType

from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Unprocessable
from kernel.privacy import Vault
from registry.lookalikes import Candidate, Sought, lookalikes, waits
from registry.model import PlaceKind
from registry.particulars import Application, Fault, check_application
from registry.places import (
    Contact,
    district_exists,
    is_venue_code,
    namesake,
    open_contact,
)

State = Literal["pending", "approved", "rejected"]
#: The field under which telephone numbers of people and of places have their blind index.
PHONE = "phone"


class Filed(Struct, frozen=True, kw_only=True):
    """An application as its applicant may see it."""

    id: UUID
    kind: PlaceKind
    category: str
    name: str
    district_code: str
    district: str
    address: str
    gates: tuple[str, ...]
    state: State
    reason: str | None
    applied_at: datetime
    mended_at: datetime | None
    place_id: int | None
    #: The code of the place in which a shop lies, and its name; empty for all others.
    within_code: str = ""
    within: str | None = None


class Mending(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said anew; what is left out, and an empty contact, stays as it was sent."""

    kind: str | UnsetType = UNSET
    category: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    district: str | UnsetType = UNSET
    address: str | UnsetType = UNSET
    gates: tuple[str, ...] | UnsetType = UNSET
    within: str | UnsetType = UNSET
    contact_name: str | UnsetType = UNSET
    contact_phone: str | UnsetType = UNSET
    confirm_new: bool = False


async def apply(
    conn: Connection,
    vault: Vault,
    application: Application,
    now: datetime,
    *,
    confirm_new: bool = False,
    form_id: UUID | None = None,
) -> UUID:
    """What is sent twice under one `form_id` is one application, which has that id; other answers
    under it are an application of their own.

    Raises what `check_application` finds first; Unprocessable `district_unknown`; Conflict
    `duplicate_place`, with `place_id` if the place exists already; Conflict `looks_alike` with
    its `candidates`, unless `confirm_new` says that it is none of them.
    """
    checked, faults = check_application(application)
    _refuse(faults)
    known = await sent_under(conn, vault, form_id)
    if form_id and known == checked:
        return form_id
    made = form_id if form_id and known is None else uuid4()
    try:
        await _check_free(conn, vault, checked, confirm_new=confirm_new)
        async with conn.transaction():  # a savepoint: the page that tells of it is still read
            return await _insert(conn, vault, made, checked, now)
    except (Conflict, UniqueViolationError) as error:
        if made == form_id and await sent_under(conn, vault, made) == checked:
            return made  # the other tap of two was quicker
        raise (error if isinstance(error, Conflict) else _duplicate(error)) from error


async def sent_under(conn: Connection, vault: Vault, form_id: UUID | None) -> Application | None:
    row = await conn.fetchrow(f"{FILED} WHERE a.id = $1", form_id) if form_id else None
    return None if row is None else _merged(vault, dict(row), Mending())


async def mend(
    conn: Connection, vault: Vault, application_id: UUID, said: Mending, now: datetime
) -> UUID:
    """Sent again under the same id; it waits for review once more, and its reviews stay.

    Raises NotFound `unknown_application`, Conflict `not_sent_back`, and what `apply` raises.
    """
    row = await _locked(conn, application_id)
    if row["state"] != "rejected":
        raise Conflict("not_sent_back", state=row["state"])
    checked, faults = check_application(_merged(vault, row, said))
    _refuse(faults)
    await _check_free(conn, vault, checked, confirm_new=said.confirm_new, own=application_id)
    try:
        async with conn.transaction():
            await _update(conn, vault, application_id, checked, now)
    except UniqueViolationError as error:
        raise _duplicate(error) from error
    return application_id


def faults_of_mending(vault: Vault, row: dict[str, Any], said: Mending) -> list[Fault]:
    """Everything that is wrong with what would be sent again."""
    return check_application(_merged(vault, row, said))[1]


def _refuse(faults: Sequence[Fault]) -> None:
    if faults:
        raise faults[0].refused


def _merged(vault: Vault, row: dict[str, Any], said: Mending) -> Application:
    kept = Application(
        kind=row["kind"],
        category=row["category"],
        name=row["name"],
        district=row["district_code"],
        address=row["address"],
        gates=tuple(row["gates"]),
        within=row["within_code"],
        contact_name=vault.open(row["contact_sealed"], field="contact_name"),
        contact_phone=vault.open(row["contact_phone_sealed"], field="contact_phone"),
    )
    changes = {
        name: value
        for name in kept.__struct_fields__
        if (value := getattr(said, name)) is not UNSET
        and (value or not name.startswith("contact_"))
    }
    return msgspec.structs.replace(kept, **changes)


async def _check_free(
    conn: Connection,
    vault: Vault,
    checked: Application,
    *,
    confirm_new: bool,
    own: UUID | None = None,
) -> None:
    if not await district_exists(conn, checked.district):
        raise Unprocessable("district_unknown")
    if checked.within and not await is_venue_code(conn, checked.within):
        raise Unprocessable("within_unknown")
    known = await namesake(conn, checked.kind, checked.name, checked.district, checked.address)
    if known is not None:
        raise Conflict("duplicate_place", place_id=known)
    if await waits(conn, sought_of(vault, checked), own):
        raise Conflict("duplicate_place")
    if confirm_new:
        return
    found = await alike(conn, vault, checked, own=own)
    if found:
        raise Conflict("looks_alike", candidates=[_told(each) for each in found])


async def alike(
    conn: Connection, vault: Vault, checked: Application, *, own: UUID | None = None
) -> list[Candidate]:
    return await lookalikes(conn, sought_of(vault, checked), own=own)


def sought_of(vault: Vault, checked: Application) -> Sought:
    return Sought(
        kind=checked.kind,
        name=checked.name,
        district=checked.district,
        address=checked.address,
        phones=vault.blinds(checked.contact_phone, field=PHONE),
    )


def _told(candidate: Candidate) -> dict[str, object]:
    """Without the reason: nobody learns here whose telephone number it is that they typed."""
    return {
        "place_id": candidate.place_id,
        "name": candidate.name,
        "district": candidate.district,
        "address": candidate.address,
    }


def _duplicate(error: UniqueViolationError) -> Exception:
    return Conflict("duplicate_place") if error.constraint_name == ONCE else error


ONCE = "application_one_per_place"


async def _insert(
    conn: Connection, vault: Vault, made: UUID, checked: Application, now: datetime
) -> UUID:
    return await conn.fetchval(
        """
        INSERT INTO registry.application
               (id, kind, category, name, district_code, address, gates, contact_sealed,
                contact_phone_sealed, contact_phone_blind, applied_at, within_code)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id
        """,
        made,
        *columns_of(vault, checked),
        now,
        checked.within,
    )


async def _update(
    conn: Connection, vault: Vault, application_id: UUID, checked: Application, now: datetime
) -> None:
    await conn.execute(
        """
        UPDATE registry.application
           SET kind = $2, category = $3, name = $4, district_code = $5, address = $6, gates = $7,
               contact_sealed = $8, contact_phone_sealed = $9, contact_phone_blind = $10,
               mended_at = $11, state = 'pending', reason = NULL, reviewed_at = NULL,
               reviewed_by = NULL, within_code = $12
         WHERE id = $1
        """,
        application_id,
        *columns_of(vault, checked),
        now,
        checked.within,
    )


def columns_of(vault: Vault, checked: Application) -> tuple[Any, ...]:
    """Kind to the telephone's blind index, in the order of every statement that stores them."""
    return (
        checked.kind,
        checked.category,
        checked.name,
        checked.district,
        checked.address,
        list(checked.gates),
        vault.seal(checked.contact_name, field="contact_name"),
        vault.seal(checked.contact_phone, field="contact_phone"),
        vault.blind(checked.contact_phone, field=PHONE),
    )


FILED = """
    SELECT a.id, a.kind, a.category, a.name, a.district_code, d.name AS district, a.address,
           a.gates, a.state, a.reason, a.applied_at, a.mended_at, a.place_id, a.contact_sealed,
           a.contact_phone_sealed, a.contact_phone_blind, a.within_code,
           (SELECT p.name FROM registry.code c JOIN registry.place p ON p.id = c.place_id
             WHERE c.code = a.within_code) AS within
      FROM registry.application a JOIN registry.district d ON d.code = a.district_code
"""


async def _locked(conn: Connection, application_id: UUID) -> dict[str, Any]:
    row = await conn.fetchrow(f"{FILED} WHERE a.id = $1 FOR UPDATE OF a", application_id)
    if row is None:
        raise NotFound("unknown_application")
    return dict(row)


async def find_application(conn: Connection, application_id: UUID) -> Filed:
    """Raises NotFound `unknown_application`."""
    return (await filed_row(conn, application_id))[0]


async def filed_row(conn: Connection, application_id: UUID) -> tuple[Filed, dict[str, Any]]:
    """With the row itself, for whoever mends it. Raises NotFound `unknown_application`."""
    row = await conn.fetchrow(f"{FILED} WHERE a.id = $1", application_id)
    if row is None:
        raise NotFound("unknown_application")
    return msgspec.convert(dict(row), Filed), dict(row)


def masked_contact(vault: Vault, row: dict[str, Any]) -> Contact:
    return open_contact(vault, row["contact_sealed"], row["contact_phone_sealed"])
