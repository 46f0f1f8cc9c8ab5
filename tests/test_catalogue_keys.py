"""Keys as the catalogue has them: a movement can live on one node, and floors point downwards."""

from kernel.db import Connection

FLOORS = ("kernel", "registry", "closedloop", "alerts", "checkpoint")

#: Tables that carry a movement's number and are no part of the movement.
LOOKUPS = {
    "registry.receipt": "finds the movement of an event id, and makes ids unique across movements",
    "registry.conflict": "keeps what was said under a taken id, which may name two movements",
    "registry.camera_read": "is a camera's, and names a truck where it found one",
    "registry.plate_lookup": "finds movements by a plate, so the plate leads its key",
}


async def keys_of_movements(conn: Connection) -> dict[str, list[tuple[str, str, bool]]]:
    """Table → (index, its first column, whether it is the primary key), for unique indexes."""
    rows = await conn.fetch(
        """
        SELECT n.nspname || '.' || c.relname AS name, i.relname AS index, x.indisprimary,
               coalesce(pg_get_indexdef(x.indexrelid, 1, true), '') AS first
          FROM pg_attribute a
          JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
          JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = ANY($1)
          LEFT JOIN pg_index x ON x.indrelid = c.oid AND x.indisunique
          LEFT JOIN pg_class i ON i.oid = x.indexrelid
         WHERE a.attname = 'movement_id' AND NOT a.attisdropped
        """,
        list(FLOORS),
    )
    keys: dict[str, list[tuple[str, str, bool]]] = {}
    for row in rows:
        found = keys.setdefault(row["name"], [])
        if row["index"] is not None:
            found.append((row["index"], row["first"], row["indisprimary"]))
    return keys


def badly_keyed(keys: dict[str, list[tuple[str, str, bool]]]) -> list[str]:
    bad = [
        f"{index} of {table} begins with {first}"
        for table, indexes in keys.items()
        for index, first, _ in indexes
        if first != "movement_id" and table not in LOOKUPS
    ]
    keyless = [table for table, found in keys.items() if not any(primary for *_, primary in found)]
    return [*bad, *(f"{table} has no primary key" for table in keyless)]


async def foreign_keys(conn: Connection) -> list[tuple[str, str, str]]:
    """Constraint, the schema that points, the schema that is pointed at."""
    rows = await conn.fetch(
        """
        SELECT k.conname AS name, f.nspname AS source, t.nspname AS target
          FROM pg_constraint k
          JOIN pg_class cf ON cf.oid = k.conrelid JOIN pg_namespace f ON f.oid = cf.relnamespace
          JOIN pg_class ct ON ct.oid = k.confrelid JOIN pg_namespace t ON t.oid = ct.relnamespace
         WHERE k.contype = 'f'
        """
    )
    return [(row["name"], row["source"], row["target"]) for row in rows]


def upward(keys: list[tuple[str, str, str]]) -> list[str]:
    return [
        f"{name}: {source} points at {target}"
        for name, source, target in keys
        if source not in FLOORS
        or target not in FLOORS
        or FLOORS.index(source) < FLOORS.index(target)
    ]


async def test_every_key_of_a_movements_table_begins_with_the_movement(conn: Connection) -> None:
    keys = await keys_of_movements(conn)
    assert {"registry.event", "closedloop.deadline", "alerts.alert"} <= keys.keys()
    assert badly_keyed(keys) == []


async def test_the_tables_that_are_excused_exist_and_need_it(conn: Connection) -> None:
    keys = await keys_of_movements(conn)
    for table, reason in LOOKUPS.items():
        assert reason
        assert {first for _, first, _ in keys[table]} != {"movement_id"}


async def test_every_foreign_key_points_down_the_floors(conn: Connection) -> None:
    keys = await foreign_keys(conn)
    assert len(keys) >= 10
    assert upward(keys) == []


async def test_a_key_that_is_out_of_order_is_found(conn: Connection) -> None:
    await conn.execute(
        """
        CREATE TABLE alerts.call (call_id bigint PRIMARY KEY, movement_id bigint);
        CREATE TABLE alerts.scrap (movement_id bigint);
        CREATE TABLE registry.odd (call_id bigint REFERENCES alerts.call (call_id))
        """
    )
    assert badly_keyed(await keys_of_movements(conn)) == [
        "call_pkey of alerts.call begins with call_id",
        "alerts.scrap has no primary key",
    ]
    assert upward(await foreign_keys(conn)) == ["odd_call_id_fkey: registry points at alerts"]
