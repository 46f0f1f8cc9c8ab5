"""Before anybody is asked: what the record itself knows of a truck that has not arrived (L1).

Does a device at its destination still keep scans, was the same plate or the same person seen
elsewhere since, did a camera read the plate, and did a truck arrive there whose plate is one
character off. What is found is shown beside the truck; it closes nothing by itself.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from kernel.db import Connection
from registry.plates import one_character_off

MOST = 500
#: A device at work speaks to us every minute.
SILENT_MINUTES = 10
SEEN = "('entry', 'arrival', 'departure', 'exit', 'confirm')"


class Finding(Struct, frozen=True, kw_only=True):
    """`kind`: device_silent (`name`, since `at`), plate_elsewhere or person_elsewhere (movement,
    place), camera_seen (its plate, at `place_id`), plate_close (another movement with `plate`,
    arrived at `at`).
    """

    kind: str
    at: datetime | None = None
    name: str = ""
    movement_id: int | None = None
    place_id: int | None = None
    plate: str = ""


class Late(Struct, frozen=True, kw_only=True):
    """A limit that was flagged and not looked into yet."""

    movement_id: int
    stop: int
    limb: str
    limit_no: int
    due_at: datetime
    place_id: int | None
    released_at: datetime | None
    plate: str


async def reconcile(conn: Connection, now: datetime) -> int:
    """Looks into every limit that was flagged and not looked into yet; how many it were."""
    looked = 0
    while found := await _reconcile_some(conn, now):
        looked += found
        if found < MOST:
            break
    return looked


async def _reconcile_some(conn: Connection, now: datetime) -> int:
    late = await _late(conn)
    if not late:
        return 0
    found: dict[int, list[Finding]] = defaultdict(list)
    for movement_id, finding in [
        *await _silent(conn, late),
        *await _seen_elsewhere(conn, late),
        *await _seen_by_camera(conn, late),
        *await _plates_close(conn, late),
    ]:
        found[movement_id].append(finding)
    await conn.executemany(
        """
        INSERT INTO alerts.reconciliation (movement_id, stop, limb, limit_no, found, at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
        """,
        [
            (
                each.movement_id,
                each.stop,
                each.limb,
                each.limit_no,
                msgspec.to_builtins(found[each.movement_id]),
                now,
            )
            for each in late
        ],
    )
    return len(late)


async def _late(conn: Connection) -> list[Late]:
    rows = await conn.fetch(
        """
        SELECT d.movement_id, d.stop, d.limb, d.limit_no, d.due_at, d.place_id, l.released_at,
               m.plate
          FROM closedloop.deadline d
          JOIN closedloop.loop l ON l.movement_id = d.movement_id
          JOIN registry.movement m ON m.movement_id = d.movement_id
          LEFT JOIN alerts.reconciliation r
            ON r.movement_id = d.movement_id AND r.stop = d.stop AND r.limb = d.limb
           AND r.limit_no = d.limit_no
         WHERE d.closed_at IS NULL AND d.climbed >= 0 AND d.limb IN ('arrival', 'exit')
           AND r.movement_id IS NULL
         ORDER BY d.movement_id, d.stop, d.limb LIMIT $1
        """,
        MOST,
    )
    return [msgspec.convert(dict(row), Late) for row in rows]


async def _silent(conn: Connection, late: Sequence[Late]) -> list[tuple[int, Finding]]:
    """Devices at the destination that have not spoken since, or still keep something."""
    rows = await conn.fetch(
        """
        SELECT n.movement_id, d.name, p.seen_at
          FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[])
               AS n (movement_id, place_id, due_at)
          JOIN registry.device d ON d.place_id = n.place_id AND d.revoked_at IS NULL
          JOIN registry.device_pulse p ON p.device_id = d.id
         WHERE p.waiting > 0 OR p.seen_at < n.due_at - $4 * interval '1 minute'
         ORDER BY n.movement_id, d.name
        """,
        [each.movement_id for each in late],
        [each.place_id for each in late],
        [each.due_at for each in late],
        SILENT_MINUTES,
    )
    return [
        (
            row["movement_id"],
            Finding(kind="device_silent", name=row["name"], at=row["seen_at"]),
        )
        for row in rows
    ]


async def _seen_elsewhere(conn: Connection, late: Sequence[Late]) -> list[tuple[int, Finding]]:
    """The same plate, or somebody of the same crew, seen in another movement since the release."""
    rows = await conn.fetch(
        f"""
        WITH late AS (
            SELECT * FROM unnest($1::bigint[], $2::text[], $3::timestamptz[])
                AS n (movement_id, plate, since)
        ), others AS (
            SELECT n.movement_id, n.since, k.movement_id AS other, 'plate_elsewhere' AS kind
              FROM late n JOIN registry.plate_lookup k ON k.plate = n.plate
            UNION ALL
            SELECT n.movement_id, n.since, o.movement_id, 'person_elsewhere'
              FROM late n
              JOIN registry.movement_person s ON s.movement_id = n.movement_id
              JOIN registry.movement_person o ON o.person_id = s.person_id
        )
        SELECT DISTINCT ON (o.movement_id, o.other)
               o.movement_id, o.other, o.kind, v.place_id, v.occurred_at
          FROM others o
          JOIN registry.event v ON v.movement_id = o.other AND v.kind IN {SEEN}
           AND v.occurred_at > o.since
         WHERE o.other <> o.movement_id
         ORDER BY o.movement_id, o.other, v.occurred_at DESC, o.kind DESC
        """,
        [each.movement_id for each in late],
        [each.plate for each in late],
        [each.released_at for each in late],
    )
    return [
        (
            row["movement_id"],
            Finding(
                kind=row["kind"],
                movement_id=row["other"],
                place_id=row["place_id"],
                at=row["occurred_at"],
            ),
        )
        for row in rows
    ]


async def _seen_by_camera(conn: Connection, late: Sequence[Late]) -> list[tuple[int, Finding]]:
    """The last time that a camera read the plate at each place since the release."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT ON (n.movement_id, r.place_id) n.movement_id, r.place_id, r.taken_at
          FROM unnest($1::bigint[], $2::text[], $3::timestamptz[])
               AS n (movement_id, plate, since)
          JOIN registry.camera_read r
            ON r.plate = n.plate AND r.taken_at > n.since AND r.outcome <> 'doubtful'
         WHERE n.plate <> ''
         ORDER BY n.movement_id, r.place_id, r.taken_at DESC
        """,
        [each.movement_id for each in late],
        [each.plate for each in late],
        [each.released_at for each in late],
    )
    return [
        (
            row["movement_id"],
            Finding(kind="camera_seen", place_id=row["place_id"], at=row["taken_at"]),
        )
        for row in rows
    ]


async def _plates_close(conn: Connection, late: Sequence[Late]) -> list[tuple[int, Finding]]:
    """Arrivals without entry at the destination whose plate may be this one, misread."""
    places = [each.place_id for each in late if each.place_id is not None]
    rows = await conn.fetch(
        """
        SELECT l.next_place_id AS place_id, l.movement_id, m.plate,
               (l.view ->> 'state_since')::timestamptz AS at
          FROM closedloop.loop l JOIN registry.movement m ON m.movement_id = l.movement_id
         WHERE l.next_place_id = ANY($1::bigint[]) AND l.state = 'discrepancy'
           AND l.view ->> 'discrepancy' = 'arrived_without_entry'
         ORDER BY at
        """,
        places,
    )
    return list(_close(late, [dict(row) for row in rows]))


def _close(
    late: Sequence[Late], arrived: Sequence[dict[str, Any]]
) -> Iterator[tuple[int, Finding]]:
    for each in late:
        for row in arrived:
            same_place = row["place_id"] == each.place_id
            if same_place and one_character_off(each.plate, row["plate"]):
                yield (
                    each.movement_id,
                    Finding(
                        kind="plate_close",
                        movement_id=row["movement_id"],
                        plate=row["plate"],
                        place_id=row["place_id"],
                        at=row["at"],
                    ),
                )
