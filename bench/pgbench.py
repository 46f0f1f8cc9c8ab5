"""The rival: pgbench storing the same scan, with the same rows, on the same data."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from bench.city import FIRST, RANGE, STRIDE, Stage
from kernel.db import connected
from kernel.postgres_home import find_home

CLIENTS = 16
#: One scan as a native program would do it: read, then seven statements in one transaction.
SCRIPT = f"""
\\set n random(:low, :high)
\\set id {FIRST} + (:n * {STRIDE}) % {RANGE}
BEGIN;
SELECT m.movement_id, m.version AS report, m.plate, m.stops, m.window_from, m.window_to, m.failures,
       (SELECT json_agg(json_build_object('ordinal', p.ordinal, 'role', p.role, 'masked_name',
               p.masked_name, 'declared', p.declared, 'evidence', p.evidence) ORDER BY p.ordinal)
          FROM registry.movement_person p WHERE p.movement_id = m.movement_id) AS people,
       (SELECT json_agg(json_build_object('event_id', v.event_id, 'kind', v.kind, 'occurred_at',
               v.occurred_at, 'received_at', v.received_at, 'place_id', v.place_id, 'gate', v.gate,
               'device_id', v.device_id, 'sequence', v.sequence, 'body', v.body))
          FROM registry.event v WHERE v.movement_id = m.movement_id) AS events,
       e.number AS epoch, l.version AS version, uuidv7() AS event
  FROM registry.movement m JOIN registry.epoch e ON true
  LEFT JOIN closedloop.loop l ON l.movement_id = m.movement_id
 WHERE m.movement_id = :id \\gset
INSERT INTO registry.receipt (event_id, body_hash, movement_id, received_at)
VALUES (:event, sha256(uuid_send(:event)), :id, now());
INSERT INTO registry.event (movement_id, event_id, kind, occurred_at, received_at, uncertainty_ms,
       place_id, gate, device_id, sequence, offline, actor, body)
VALUES (:id, :event, 'entry', now(), now(), 0, :place, '1', :device, 1, false, :actor, :body);
INSERT INTO closedloop.loop AS l (movement_id, version, state, entry_place_id, next_place_id,
       released_at, due_at, last_card, flags, view, updated_at)
VALUES (:id, :version + 1, 'released', :place, :next, now(), now() + interval '75 minutes',
        'green', '{{}}', :view, now())
ON CONFLICT (movement_id) DO UPDATE
   SET version = excluded.version, state = excluded.state,
       entry_place_id = excluded.entry_place_id, next_place_id = excluded.next_place_id,
       released_at = excluded.released_at, due_at = excluded.due_at,
       last_card = excluded.last_card, flags = excluded.flags, view = excluded.view,
       updated_at = excluded.updated_at
 WHERE l.version = excluded.version - 1;
INSERT INTO closedloop.change (movement_id, version, state, at)
VALUES (:id, :version + 1, 'released', now())
ON CONFLICT (movement_id, version) DO NOTHING;
INSERT INTO closedloop.deadline
       (movement_id, stop, limb, limit_no, due_at, flag_at, next_at, place_id)
VALUES (:id, 0, 'arrival', :version, now() + interval '75 minutes',
        now() + interval '75 minutes', now() + interval '45 minutes', :next)
ON CONFLICT (movement_id, stop, limb, limit_no) DO UPDATE
   SET due_at = excluded.due_at, flag_at = excluded.flag_at, next_at = excluded.next_at,
       closed_at = NULL;
INSERT INTO kernel.outbox (id, key, kind, recipient, facts, created_at, next_at)
VALUES (uuidv7(), concat_ws(':', :id::bigint, 0, 'expected', :version::int),
        'truck_expected', 'place:' || :next::bigint, :facts, now(), now())
ON CONFLICT (key) DO NOTHING;
END;
"""


async def values(stage: Stage) -> dict[str, str]:
    """What the application wrote for one scan, to be written again for others."""
    async with connected(stage.dsn) as conn:
        row = await conn.fetchrow(
            """
            SELECT v.place_id AS place, l.next_place_id AS next, v.device_id AS device, v.actor,
                   v.body::text AS body, l.view::text AS view, o.facts::text AS facts
              FROM registry.event v JOIN closedloop.loop l ON l.movement_id = v.movement_id
              JOIN kernel.outbox o ON o.key LIKE v.movement_id || ':%'
             WHERE v.movement_id = $1 AND v.kind = 'entry'
            """,
            stage.scanned,
        )
    assert row is not None
    return {name: str(value) for name, value in row.items()}


async def tps(stage: Stage, data_dir: Path, given: Mapping[str, str], seconds: int) -> float:
    """Transactions a second, as pgbench says. Raises AssertionError where any failed."""
    script = data_dir / "scan.sql"
    script.write_text(SCRIPT)
    address = urlsplit(stage.dsn)
    variables = {**given, "low": str(stage.served + 1), "high": str(2 * stage.served)}
    process = await asyncio.create_subprocess_exec(
        str(find_home(data_dir).programs / "pgbench"),
        *("-M", "prepared", "-n", "-j", "2", "-c", str(CLIENTS), "-T", str(seconds)),
        *("-f", str(script), "-h", "127.0.0.1", "-p", str(address.port)),
        *("-U", str(address.username)),
        *(f"-D{name}={value}" for name, value in variables.items()),
        address.path.lstrip("/"),
        env={"PGPASSWORD": str(address.password)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode()
    found = re.search(r"^tps = ([0-9.]+)", said, re.MULTILINE)
    assert process.returncode == 0, said
    assert found, said
    assert "number of failed transactions: 0 " in said, said
    return float(found.group(1))
