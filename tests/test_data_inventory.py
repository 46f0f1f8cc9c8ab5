"""docs/data.md names every column there is, personal or not, and says how long each is kept."""

import re
from collections.abc import Iterable

import pytest
from msgspec import Struct

from checkpoint.retention import ERASERS
from kernel.db import Connection
from kernel.retention import QUOTAS, kept
from tests.support import REPOSITORY
from tests.test_catalogue_keys import FLOORS

PAGE = REPOSITORY / "docs" / "data.md"
_NAMED = re.compile(r"`([^`]+)`")
#: What such a column is called holds something of a person, whatever the page says.
_SUSPECT = re.compile(
    r"(^|_)(sealed|blind|masked|phone|plate|contact|login|browser|ip|id_number|id_type|subject"
    r"|note|passport|birth\w*|gender|email)($|_)|_name$|(^|_)(password|secret|token|code)_?hash$"
)
#: Named so, and yet nothing of anybody.
_INNOCENT = {
    "kernel.audit.subject_kind": "the word person, movement, place",
    "kernel.outbox.by_phone": "yes or no",
    "registry.person.phone_proved_at": "an hour",
    "registry.second_factor.login_session_id": "an id of ours",
    "registry.signing_key.private_sealed": "a key of ours",
}
#: A row without a class says this first.
_OTHERWISE = ("stays", "as long as", "until", "a day")


class Row(Struct, frozen=True):
    columns: tuple[str, ...]
    cells: tuple[str, ...]


class Inventory(Struct, frozen=True):
    personal: list[Row]
    plain: list[str]
    classes: dict[str, tuple[int, int, int]]

    @property
    def columns(self) -> list[str]:
        return [column for row in self.personal for column in row.columns] + self.plain


def inventory(text: str) -> Inventory:
    parts = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    rows = [Row(tuple(_NAMED.findall(c[0])), c) for c in _rows(parts["Personal"])]
    return Inventory(
        personal=rows,
        plain=[
            f"{table}.{column}"
            for cells in _rows(parts["Not personal"])
            for table in _NAMED.findall(cells[0])
            for column in _NAMED.findall(cells[1])
        ],
        classes={
            _NAMED.findall(cells[0])[0]: _times(cells[2], cells[3])
            for cells in _rows(parts["Classes"])
        },
    )


def _rows(text: str) -> Iterable[tuple[str, ...]]:
    lines = (line for line in text.splitlines() if line.startswith("| `"))
    return (tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines)


def _times(amount: str, bounds: str) -> tuple[int, int, int]:
    least, most = bounds.split("–")
    return int(amount), int(least), int(most)


async def columns(conn: Connection) -> list[str]:
    rows = await conn.fetch(
        """
        SELECT n.nspname || '.' || c.relname || '.' || a.attname AS name
          FROM pg_attribute a
          JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
          JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = ANY($1)
         WHERE a.attnum > 0 AND NOT a.attisdropped
        """,
        list(FLOORS),
    )
    return [row["name"] for row in rows]


def differences(page: Inventory, there: Iterable[str]) -> list[str]:
    named, found = page.columns, set(there)
    personal = {column for row in page.personal for column in row.columns}
    suspects = {name for name in found if _SUSPECT.search(name.rpartition(".")[2])}
    return sorted(
        [
            *(f"{name} is not in the inventory" for name in found - set(named)),
            *(f"{name} does not exist" for name in set(named) - found),
            *(f"{name} is there twice" for name in set(named) if named.count(name) > 1),
            *(
                f"{name} is called like something personal"
                for name in suspects & set(named) - personal - _INNOCENT.keys()
            ),
        ]
    )


def unfit(page: Inventory) -> list[str]:
    """Rows whose time is neither a class nor told in words."""
    told = {row: set(_NAMED.findall(row.cells[3])) for row in page.personal}
    wrong = [
        f"{row.columns[0]} is kept {row.cells[3]!r}"
        for row, classes in told.items()
        if not (classes and classes <= page.classes.keys())
        and not row.cells[3].startswith(_OTHERWISE)
    ]
    unused = page.classes.keys() - set().union(*told.values()) - set(QUOTAS)
    return [*wrong, *(f"nothing is of the class {name}" for name in sorted(unused))]


@pytest.fixture
def page() -> Inventory:
    return inventory(PAGE.read_text("utf-8"))


async def test_every_column_is_in_the_inventory_once(page: Inventory, conn: Connection) -> None:
    there = await columns(conn)
    assert len(there) > 300
    assert differences(page, there) == []
    assert all(all(row.cells) and len(row.cells) == 6 for row in page.personal)


async def test_the_excused_exist_and_would_be_found(conn: Connection) -> None:
    there = await columns(conn)
    for name, reason in _INNOCENT.items():
        assert reason
        assert name in there
        assert _SUSPECT.search(name.rpartition(".")[2])


async def test_a_column_that_is_added_or_gone_is_found(page: Inventory, conn: Connection) -> None:
    await conn.execute(
        """
        ALTER TABLE registry.code ADD COLUMN seen_by text;
        ALTER TABLE registry.person DROP COLUMN phone_proved_at;
        CREATE TABLE alerts.call (answered_at timestamptz)
        """
    )
    assert differences(page, await columns(conn)) == [
        "alerts.call.answered_at is not in the inventory",
        "registry.code.seen_by is not in the inventory",
        "registry.person.phone_proved_at does not exist",
    ]


async def test_what_is_called_personal_cannot_be_listed_as_plain(
    page: Inventory, conn: Connection
) -> None:
    added = ("owner_phone", "guard_name", "face_sealed", "id_number", "client_ip")
    for column in added:
        await conn.execute(f"ALTER TABLE registry.road_time ADD COLUMN {column} text")
    listed = Inventory(
        page.personal, page.plain + [f"registry.road_time.{c}" for c in added], page.classes
    )
    assert differences(listed, await columns(conn)) == sorted(
        f"registry.road_time.{column} is called like something personal" for column in added
    )


async def test_the_classes_are_those_of_the_database_and_each_has_an_eraser(
    page: Inventory, conn: Connection
) -> None:
    there = {c.name: (c.amount, c.least, c.most) for c in (await kept(conn)).values()}
    assert page.classes == there
    assert page.classes.keys() - set(QUOTAS) == {each.name for each in ERASERS}
    assert unfit(page) == []


async def test_a_class_or_a_time_that_is_wrong_is_found(page: Inventory) -> None:
    text = PAGE.read_text("utf-8")
    other = inventory(text.replace("| `devices`, `people` |", "| for a while |"))
    assert unfit(other) == ["registry.driver_device.token_hash is kept 'for a while'"]
    nobody = inventory(re.sub("`contacts`(?= .* look-alikes| .* masked; whole)", "stays", text))
    assert "nothing is of the class contacts" in unfit(nobody)
    longer = inventory(text.replace("| 21 | 7–90 |", "| 22 | 7–90 |", 1))
    assert longer.classes != page.classes
