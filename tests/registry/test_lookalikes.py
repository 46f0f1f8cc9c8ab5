"""What looks alike: by name, by address in the district, by telephone; and that an index finds it."""

from datetime import UTC, datetime
from uuid import uuid4

import httpx
import msgspec
import pytest

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict
from kernel.privacy import Vault
from registry.applications import alike, apply, sought_of
from registry.lookalikes import ONE
from registry.particulars import Application, check_application
from registry.reviews import pending, review

NOON = datetime(2022, 5, 1, 12, 0, tzinfo=UTC)
REVIEWER = Actor(id=uuid4(), kind="account", name="李审核", roles=frozenset({"registrar"}))
MILL = Application(
    kind="destination",
    category="面粉厂",
    name="祥云面粉厂",
    district="410221",
    address="杞县金城大道18号",
    gates=("东门",),
    contact_name="王小明",
    contact_phone="13812345678",
)
OTHER = msgspec.structs.replace(
    MILL, name="东方玻璃制品", address="葛岗镇工业路北段7号院", contact_phone="13900000001"
)


@pytest.fixture(autouse=True)
async def _districts(conn: Connection) -> None:
    await conn.execute(
        "INSERT INTO registry.district VALUES ('410221', '杞县'), ('410222', '通许县')"
    )


async def _found(conn: Connection, vault: Vault, **changes: object) -> list[tuple[str, ...]]:
    checked, faults = check_application(msgspec.structs.replace(OTHER, **changes))
    assert faults == []
    return [each.reasons for each in await alike(conn, vault, checked)]


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"name": "祥云面粉有限公司"}, [("name",)]),
        ({"name": "祥雲面粉厂"}, [("name",)]),
        ({"name": "祥云面粉厂", "district": "410222"}, [("name",)]),
        ({"name": "东方祥云有限公司", "contact_phone": "13900000009"}, []),
        ({"address": "金城大道18号"}, [("address",)]),
        ({"address": "金城大道18号", "district": "410222"}, []),
        ({"contact_phone": "+86 138 1234 5678"}, [("phone",)]),
        ({"name": "祥云面粉厂区", "address": "杞县金城大道18号"}, [("address", "name")]),
        ({"name": "祥云面粉有限公司", "kind": "checkpoint"}, []),
        ({}, []),
    ],
)
async def test_a_look_alike_is_found_for_its_reason(
    conn: Connection, vault: Vault, changes: dict[str, object], reasons: list[tuple[str, ...]]
):
    await apply(conn, vault, MILL, NOON)
    assert await _found(conn, vault, **changes) == reasons


async def test_places_are_found_as_applications_are_and_revoked_ones_are_not(
    conn: Connection, vault: Vault
):
    done = await review(conn, await apply(conn, vault, MILL, NOON), "approve", None, REVIEWER, NOON)
    assert await _found(conn, vault, contact_phone=MILL.contact_phone) == [("phone",)]
    await conn.execute("UPDATE registry.place SET status = 'revoked' WHERE id = $1", done.place_id)
    assert await _found(conn, vault, contact_phone=MILL.contact_phone) == []


async def test_names_that_share_only_their_kind_of_firm_are_not_alike(
    conn: Connection, vault: Vault
):
    await apply(conn, vault, msgspec.structs.replace(OTHER, name="金丰粮油贸易公司"), NOON)
    assert await _found(conn, vault, name="宏达建材公司", address="南苑街一巷一号甲", contact_phone="13900000002") == []  # fmt: skip


async def test_a_look_alike_is_asked_about_and_sent_when_it_is_none(conn: Connection, vault: Vault):
    await apply(conn, vault, MILL, NOON)
    like = msgspec.structs.replace(OTHER, name="祥云面粉有限公司")
    with pytest.raises(Conflict) as caught:
        await apply(conn, vault, like, NOON)
    assert caught.value.code == "looks_alike"
    told = msgspec.json.encode(caught.value.facts).decode()
    assert "祥云面粉厂" in told
    assert "138" not in told
    assert "王" not in told
    await apply(conn, vault, like, NOON, confirm_new=True)
    with pytest.raises(Conflict) as caught:
        await apply(conn, vault, like, NOON, confirm_new=True)
    assert caught.value.code == "duplicate_place"


async def test_the_registrar_sees_the_reasons_and_the_applicant_does_not(
    client: httpx.AsyncClient, conn: Connection, vault: Vault
):
    await apply(conn, vault, MILL, NOON)
    said = msgspec.to_builtins(msgspec.structs.replace(OTHER, contact_phone="13812345678"))
    answer = await client.post("/api/v1/places/applications", json=said)
    assert (answer.status_code, answer.json()["code"]) == (409, "looks_alike")
    assert answer.json()["candidates"] == [
        {"place_id": None, "name": "祥云面粉厂", "district": "杞县", "address": "杞县金城大道18号"}
    ]
    await client.post("/api/v1/places/applications", json=said | {"confirm_new": True})
    waiting = {each.filed.name: each for each in await pending(conn, vault, REVIEWER, NOON)}
    alike = waiting["东方玻璃制品"].alike
    assert [(each.name, each.reasons) for each in alike] == [("祥云面粉厂", ("phone",))]


@pytest.mark.parametrize(
    ("text", "key"),
    [("Mill No. 7", "millno7"), ("ＡＢ１", "ab1"), ("", ""), ("·—、 ", None), ("𠮷面粉", None)],
)
async def test_a_key_is_plain_letters_and_digits(conn: Connection, text: str, key: str | None):
    found = await conn.fetchval("SELECT registry.alike_key($1)", text)
    assert found == (key if key is not None else found)
    assert found.isascii()
    assert found == "" or found.isalnum()


async def test_the_indexes_are_used(conn: Connection, vault: Vault):
    """Also for Chinese, in whatever locale the database is: without a key of our own the operator
    takes Chinese signs for gaps there, and finds nothing.
    """
    await conn.execute(
        """
        INSERT INTO registry.place (kind, category, name, district_code, address, screen_secret,
                                    created_at)
        SELECT 'destination', 'x', '第' || n || '号面粉加工厂', '410221', '工业路' || n || '号',
               '\\x00', $1 FROM generate_series(1, 3000) n
        """,
        NOON,
    )
    await conn.execute("ANALYZE registry.place")
    await conn.execute("SET LOCAL enable_seqscan = off")
    sought = sought_of(vault, MILL)
    rows = await conn.fetch(
        f"EXPLAIN {ONE}",
        sought.kind,
        sought.name,
        sought.district,
        sought.address,
        list(sought.phones),
        None,
    )
    plan = "\n".join(row[0] for row in rows)
    for index in ("place_name_alike", "place_address_alike", "place_by_phone"):
        assert index in plan, plan
    await conn.execute("DROP INDEX registry.place_name_alike")
    broken = await conn.fetch(f"EXPLAIN {ONE}", "destination", "a", "410221", "b", [], None)
    assert "place_name_alike" not in "\n".join(row[0] for row in broken)
