from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Malformed, NotFound, Unprocessable
from kernel.privacy import Vault
from registry.imports import ImportReport, evidence_of, import_evidence
from registry.model import Proof
from registry.people import check_character
from registry.rules import SCENARIOS, read_scenario
from registry.world import load_world

NOON = datetime(2022, 5, 1, 12, 0, tzinfo=UTC)
RULES = read_scenario(SCENARIOS / "epidemic-henan.json")
ACTOR = Actor(id=uuid4(), kind="account", name="李审核", roles=frozenset({"registrar"}))
LI = "410221199001011239"
WANG = "410221198505052312"
JSON = "application/x-ndjson"
CSV = "text/csv"


def _csv(*rows: str, header: str = "id_number,value,taken_at,reference") -> bytes:
    return "\n".join([header, *rows]).encode()


async def _import(
    conn: Connection, vault: Vault, data: bytes, kind: str = "test", **changes: Any
) -> ImportReport:
    how: dict[str, Any] = {
        "source": "province", "as_of": NOON, "dry_run": False, "actor": ACTOR, "now": NOON
    } | changes  # fmt: skip
    content_type = how.pop("content_type", CSV)
    return await import_evidence(conn, vault, RULES, kind, data, content_type, **how)


def _said(report: ImportReport) -> list[tuple[int, str, str]]:
    return [(row.line, row.status, row.code) for row in report.rows]


async def _known(conn: Connection, vault: Vault, number: str) -> dict[str, Proof]:
    subject = vault.blind(number, field="person_id")
    return (await evidence_of(conn, [subject])).get(subject, {})


async def test_each_row_has_its_own_result_and_a_bad_one_spoils_no_other(
    conn: Connection, vault: Vault
):
    report = await _import(
        conn,
        vault,
        _csv(
            f"{LI},negative,2022-05-01 08:00,K1",
            "410221199001011230,negative,2022-05-01 08:00,",
            f"{WANG},purple,2022-05-01 08:00,",
            f"{WANG},negative,yesterday,",
            f"{WANG},negative,2022-05-02 08:00,",
            f"{WANG},negative",
            f"{WANG},positive,2022-05-01T07:30:00+08:00,",
        ),
    )
    assert _said(report) == [
        (2, "accepted", ""),
        (3, "refused", "id_check_digit"),
        (4, "refused", "value_unknown"),
        (5, "refused", "taken_at_malformed"),
        (6, "refused", "taken_at_future"),
        (7, "refused", "cell_count"),
        (8, "accepted", ""),
    ]
    assert (report.accepted, report.repeated, report.refused) == (2, 0, 5)
    assert await conn.fetchval("SELECT count(*) FROM registry.evidence") == 2


async def test_a_time_without_a_zone_is_the_time_of_china(conn: Connection, vault: Vault):
    await _import(conn, vault, _csv(f"{LI},negative,2022-05-01 08:00,K1"))
    assert await _known(conn, vault, LI) == {
        "test": Proof(
            value="negative",
            taken_at=datetime(2022, 5, 1, 0, 0, tzinfo=UTC),
            source="province",
            reference="K1",
        )
    }


async def test_headings_may_be_chinese_and_documents_of_other_kinds(conn: Connection, vault: Vault):
    data = _csv(
        "passport,E12345678,NEGATIVE,2022/05/01 08:00,样1",
        header="证件类型,证件号,结果,采样时间,编号",
    )
    report = await _import(conn, vault, data)
    assert _said(report) == [(2, "accepted", "")]
    assert (await _known(conn, vault, "E12345678"))["test"].value == "negative"


async def test_json_lines_say_the_same_as_csv(conn: Connection, vault: Vault):
    line = {"id_number": LI, "value": "negative", "taken_at": "2022-05-01T08:00:00+08:00"}
    report = await _import(conn, vault, msgspec.json.encode(line), content_type=JSON)
    assert _said(report) == [(1, "accepted", "")]


async def test_a_trial_writes_nothing_and_says_what_the_import_will_say(
    conn: Connection, vault: Vault
):
    await _import(conn, vault, _csv(f"{WANG},negative,2022-05-01 08:00,"))
    data = _csv(
        f"{LI},negative,2022-05-01 08:00,",
        f"{LI},negative,2022-05-01 08:00,",
        f"{WANG},negative,2022-05-01 08:00,",
        f"{WANG},positive,2022-05-01 08:00,",
    )
    before = await _everything(conn)
    trial = await _import(conn, vault, data, dry_run=True, source="province")
    assert await _everything(conn) == before
    real = await _import(conn, vault, data)
    assert trial.rows == real.rows
    assert _said(real) == [
        (2, "accepted", ""),
        (3, "repeated", ""),
        (4, "repeated", ""),
        (5, "refused", "evidence_contradicts"),
    ]
    assert (trial.batch_id, real.batch_id is None) == (None, False)


async def _everything(conn: Connection) -> list[int]:
    tables = ("evidence", "evidence_batch", "evidence_source", "epoch")
    return [
        await conn.fetchval(f"SELECT coalesce(sum(hashtext(t::text)), 0) FROM registry.{table} t")
        for table in tables
    ]


async def test_the_same_file_twice_is_stored_once(conn: Connection, vault: Vault):
    data = _csv(f"{LI},negative,2022-05-01 08:00,")
    await _import(conn, vault, data)
    again = await _import(conn, vault, data)
    assert (again.accepted, again.repeated) == (0, 1)
    assert await conn.fetchval("SELECT count(*) FROM registry.evidence") == 1


async def test_the_newest_evidence_counts_whatever_order_it_came_in(conn: Connection, vault: Vault):
    await _import(conn, vault, _csv(f"{LI},positive,2022-05-01 10:00,"))
    await _import(conn, vault, _csv(f"{LI},negative,2022-05-01 08:00,"), source="laboratory")
    assert (await _known(conn, vault, LI))["test"].value == "positive"


async def test_an_import_reaches_the_people_of_open_movements_only(conn: Connection, vault: Vault):
    await _movement(conn, vault, 4102000000001, NOON + timedelta(hours=5))
    await _movement(conn, vault, 4102000000002, None)
    await _movement(conn, vault, 4102000000003, NOON - timedelta(days=8))
    await _import(conn, vault, _csv(f"{LI},negative,2022-05-01 08:00,K1"))
    await _import(conn, vault, _csv(f"{LI},red,2022-05-01 09:00,"), kind="health_code")
    await _import(conn, vault, _csv(f"{LI},positive,2022-04-01 08:00,"))
    expected = await _known(conn, vault, LI)
    assert {kind: proof.value for kind, proof in expected.items()} == {
        "test": "negative", "health_code": "red"
    }  # fmt: skip
    for movement_id, shown in ((1, expected), (2, expected), (3, {})):
        copied = await conn.fetchval(
            "SELECT evidence FROM registry.movement_person WHERE movement_id = $1",
            4102000000000 + movement_id,
        )
        assert msgspec.convert(copied, dict[str, Proof]) == shown


async def _movement(
    conn: Connection, vault: Vault, movement_id: int, window_to: datetime | None
) -> None:
    await conn.execute(
        """
        INSERT INTO registry.movement (movement_id, version, channel, actor, reported_at, window_to)
        VALUES ($1, 1, 'page', 'x', $2, $3)
        """,
        movement_id,
        NOON,
        window_to,
    )
    await conn.execute(
        """
        INSERT INTO registry.movement_person
               (movement_id, ordinal, person_id, subject, masked_name, role)
        VALUES ($1, 0, $2, $3, '李*', 'driver')
        """,
        movement_id,
        uuid4(),
        vault.blind(LI, field="person_id"),
    )


async def test_a_source_grows_fresher_and_never_older(conn: Connection, vault: Vault):
    data = _csv(f"{LI},red,2022-05-01 08:00,")
    await _import(conn, vault, data, kind="health_code")
    await _import(conn, vault, data, kind="health_code", as_of=NOON - timedelta(days=1))
    assert (await load_world(conn)).sources == {"health_code": NOON}


async def test_a_list_with_a_refused_row_makes_nobody_clear_anew(conn: Connection, vault: Vault):
    data = _csv(f"{LI},red,2022-05-01 08:00,", f"{WANG}1,red,2022-05-01 08:00,")
    report = await _import(conn, vault, data, kind="health_code")
    assert (report.accepted, report.refused, report.fresh) == (1, 1, False)
    assert (await load_world(conn)).sources == {}


async def test_an_empty_list_is_a_fresh_list(conn: Connection, vault: Vault):
    report = await _import(conn, vault, _csv(), kind="health_code")
    assert report.fresh
    assert (await load_world(conn)).sources == {"health_code": NOON}


async def test_no_result_and_no_table_holds_a_number(conn: Connection, vault: Vault):
    wrong = "410221199001011230"
    report = await _import(
        conn, vault, _csv(f"{LI},negative,2022-05-01 08:00,", f"{wrong},{wrong},x,")
    )
    assert wrong not in msgspec.json.encode(report).decode()
    stored = await conn.fetch("SELECT e::text AS said FROM registry.evidence e")
    assert stored
    assert all(LI not in row["said"] for row in stored)


@pytest.mark.parametrize(
    ("kind", "changes", "refusal", "code"),
    [
        ("weather", {}, NotFound, "unknown_evidence_kind"),
        ("test", {"source": " "}, Unprocessable, "source_needed"),
        ("test", {"source": "x" * 101}, Unprocessable, "source_too_long"),
        ("test", {"as_of": NOON + timedelta(hours=1)}, Unprocessable, "as_of_future"),
        ("test", {"content_type": "image/png"}, Malformed, "table_type_unknown"),
    ],
)
async def test_what_concerns_the_whole_file_is_refused_at_once(
    conn: Connection, vault: Vault, kind: str, changes: dict[str, Any], refusal: Any, code: str
):
    with pytest.raises(refusal) as caught:
        await _import(conn, vault, _csv(f"{LI},negative,2022-05-01 08:00,"), kind, **changes)
    assert caught.value.code == code


async def test_many_thousand_rows_go_in_at_once(conn: Connection, vault: Vault):
    first = [f"41022119{year}0101{n:03}" for year in range(60, 80) for n in range(1000)]
    rows = (f"{n}{check_character(n)},negative,2022-05-01 08:00," for n in first)
    report = await _import(conn, vault, _csv(*rows))
    assert (report.accepted, report.refused) == (20_000, 0)
    assert await conn.fetchval("SELECT count(*) FROM registry.evidence") == 20_000
