"""Places and waiting applications that may be the one applied for.

Three things make a look-alike: a name like it (of the same kind), an address like it in the same
district (of the same kind), or the same telephone number. The numbers of the database's own
operator come first, so that its index is used; ours below are stricter.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from kernel.db import Connection

Reason = Literal["name", "address", "phone"]

NAME_LIKE = 0.33
ADDRESS_LIKE = 0.5
MOST_SHOWN = 5


class Candidate(Struct, frozen=True, kw_only=True):
    """What anyone may know of it. `place_id` is None for an application, whose id is secret."""

    place_id: int | None
    name: str
    district: str
    address: str
    reasons: tuple[Reason, ...]


class Sought(Struct, frozen=True, kw_only=True):
    """`phones` are the blind indexes of one number under every key of the ring."""

    kind: str
    name: str
    district: str
    address: str
    phones: Sequence[bytes]


# What is alike: {row} is the table looked through, `s` what is sought. Kind and district are kept
# from indexes of their own, which would be taken instead and find nearly everything.
_NAME = (
    "({row}.kind || '' = s.kind AND {row}.name_key OPERATOR(public.%) s.name_key"
    " AND public.similarity({row}.name_key, s.name_key) >= {name_like})"
)
_ADDRESS = (
    "({row}.kind || '' = s.kind AND {row}.district_code || '' = s.district"
    " AND {row}.address_key OPERATOR(public.%) s.address_key"
    " AND public.similarity({row}.address_key, s.address_key) >= {address_like})"
)
_PHONE = "{row}.contact_phone_blind = ANY (s.phones)"


def _select(row: str, table: str, place_id: str, only: str) -> str:
    """One branch for each reason: so each of them is sure of its own index."""
    limits = {"row": row, "name_like": NAME_LIKE, "address_like": ADDRESS_LIKE}
    return " UNION ALL ".join(
        f"""
        SELECT {place_id} AS place_id, {row}.name, {row}.name_key, {row}.district_code,
               {row}.address, '{reason}' AS reason
          FROM {table} {row} WHERE {only} AND {condition.format(**limits)}
        """
        for reason, condition in (("name", _NAME), ("address", _ADDRESS), ("phone", _PHONE))
    )


_ALIKE = f"""
    SELECT s.position, found.place_id, found.name, d.name AS district, found.address,
           array_agg(DISTINCT found.reason) AS reasons,
           max(public.similarity(found.name_key, s.name_key)) AS like_name
      FROM s CROSS JOIN LATERAL (
           {_select("p", "registry.place", "p.id", "p.status <> 'revoked'")}
           UNION ALL
           {
    _select(
        "a",
        "registry.application",
        "NULL::bigint",
        "a.state = 'pending' AND a.id IS DISTINCT FROM s.own",
    )
}
      ) found
      JOIN registry.district d ON d.code = found.district_code
     GROUP BY s.position, found.place_id, found.name, d.name, found.address
     ORDER BY s.position, like_name DESC, found.place_id
"""
_KEYS = "registry.name_key(name) AS name_key, registry.alike_key(address) AS address_key"

#: One application that is being sent.
ONE = f"""
    WITH s AS MATERIALIZED (
        SELECT 1 AS position, kind, district, phones, own, {_KEYS}
          FROM (VALUES ($1::text, $2::text, $3::text, $4::text, $5::bytea[], $6::uuid))
               AS said (kind, name, district, address, phones, own)
    ) {_ALIKE}
"""
_MANY = f"""
    WITH s AS MATERIALIZED (
        SELECT position, kind, district, ARRAY[phone] AS phones, NULL::uuid AS own, {_KEYS}
          FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[])
               AS said (position, kind, name, district, address, phone)
    ) {_ALIKE}
"""
_WAITING = f"""
    WITH s AS MATERIALIZED (
        SELECT id AS position, kind, district_code AS district,
               ARRAY[contact_phone_blind] AS phones, id AS own, {_KEYS}
          FROM registry.application WHERE id = ANY ($1::uuid[])
    ) {_ALIKE}
"""


async def lookalikes(
    conn: Connection, sought: Sought, *, own: UUID | None = None
) -> list[Candidate]:
    """The likest first; `own` is the application itself, when it is sent again."""
    rows = await conn.fetch(
        ONE, sought.kind, sought.name, sought.district, sought.address, list(sought.phones), own
    )
    return [_candidate(row) for row in rows[:MOST_SHOWN]]


async def waits(conn: Connection, checked: Sought, own: UUID | None) -> bool:
    """Whether an application with wholly the same particulars waits, or was approved."""
    return await conn.fetchval(
        """
        SELECT EXISTS (
            SELECT 1 FROM registry.application
             WHERE kind = $1 AND lower(name) = lower($2) AND district_code = $3
                   AND lower(address) = lower($4) AND state <> 'rejected'
                   AND id IS DISTINCT FROM $5)
        """,
        checked.kind,
        checked.name,
        checked.district,
        checked.address,
        own,
    )


async def lookalikes_of_rows(
    conn: Connection, rows: Sequence[tuple[int, Sought]]
) -> dict[int, list[Candidate]]:
    """For many at once, each by its own number."""
    found = await conn.fetch(
        _MANY,
        [position for position, _ in rows],
        [sought.kind for _, sought in rows],
        [sought.name for _, sought in rows],
        [sought.district for _, sought in rows],
        [sought.address for _, sought in rows],
        [sought.phones[0] for _, sought in rows],
    )
    return _by_position(found)


async def lookalikes_of_waiting(
    conn: Connection, ids: Sequence[UUID]
) -> dict[UUID, list[Candidate]]:
    return _by_position(await conn.fetch(_WAITING, list(ids)))


def _by_position(rows: Iterable[Any]) -> dict[Any, list[Candidate]]:
    found: dict[Any, list[Candidate]] = {}
    for row in rows:
        alike = found.setdefault(row["position"], [])
        if len(alike) < MOST_SHOWN:
            alike.append(_candidate(row))
    return found


def _candidate(row: Any) -> Candidate:  # noqa: ANN401 - a row of the database
    return Candidate(
        place_id=row["place_id"],
        name=row["name"],
        district=row["district"],
        address=row["address"],
        reasons=tuple(row["reasons"]),
    )
