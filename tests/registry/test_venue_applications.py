"""Common codes are applied for as dedicated ones are: one door one code, one shop one code."""

from datetime import UTC, datetime
from uuid import uuid4

import httpx
import msgspec
import pytest

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Unprocessable
from kernel.privacy import Vault
from registry.applications import apply, find_application
from registry.particulars import Application, check_application
from registry.places import codes_of
from registry.reviews import review
from registry.venue_kinds import CATEGORIES, check_category
from tests.http import submit

NOON = datetime(2022, 5, 1, 12, 0, tzinfo=UTC)
REVIEWER = Actor(id=uuid4(), kind="account", name="李审核", roles=frozenset({"registrar"}))
MALL = Application(
    kind="venue",
    category="mall",
    name="杞县万家商场",
    district="410221",
    address="杞县金城大道1号",
    gates=tuple(f"{n}号门" for n in range(1, 65)),
    contact_name="王小明",
    contact_phone="13812345678",
)
SHOP = msgspec.structs.replace(
    MALL, category="店铺（商场内或沿街）", name="杞县好味小吃店", gates=("店门",),
    contact_phone="13812345679",
)  # fmt: skip


@pytest.fixture
async def district(conn: Connection) -> None:
    await conn.execute(
        "INSERT INTO registry.district VALUES ('410221', '杞县') ON CONFLICT DO NOTHING"
    )


async def approved(conn: Connection, vault: Vault, said: Application) -> int:
    made = await apply(conn, vault, said, NOON, confirm_new=True)
    return (await review(conn, made, "approve", None, REVIEWER, NOON)).place_id or 0


def test_the_kinds_of_the_seeds_are_all_there():
    codes = {kind.code for kind in CATEGORIES}
    assert len(codes) == len(CATEGORIES) == 28
    assert {"mall", "farmers_market", "hotel", "restaurant", "pharmacy", "school", "service_area",
            "parcel_point", "railway_station", "building_site", "residential"} <= codes  # fmt: skip
    assert check_category("高速服务区") == check_category("Motorway service area") == "service_area"


def test_a_kind_that_is_not_in_the_list_is_refused():
    _, faults = check_application(msgspec.structs.replace(MALL, category="城堡"))
    assert [(each.field, each.refused.code) for each in faults] == [
        ("category", "category_unknown")
    ]


@pytest.mark.usefixtures("district")
async def test_sixty_four_doors_get_a_code_each_and_a_shop_one_within(
    conn: Connection, vault: Vault
):
    mall = await approved(conn, vault, MALL)
    codes = await codes_of(conn, mall, NOON)
    assert len({each.code for each in codes}) == 64
    number = codes[0].code
    inside = msgspec.structs.replace(
        SHOP, within=f"https://x.test/t/{number[:4].lower()}-{number[4:]}"
    )
    (waiting,) = [await apply(conn, vault, inside, NOON, confirm_new=True)]
    assert (await find_application(conn, waiting)).within == MALL.name
    shop = (await review(conn, waiting, "approve", None, REVIEWER, NOON)).place_id
    row = await conn.fetchrow("SELECT within_id, category FROM registry.place WHERE id = $1", shop)
    assert row is not None
    assert shop is not None
    assert (row["within_id"], row["category"]) == (mall, "shop")
    assert len(await codes_of(conn, shop, NOON)) == 1


@pytest.mark.usefixtures("district")
async def test_a_shop_within_nowhere_is_refused(conn: Connection, vault: Vault):
    for said, code in (("0000000000", "within_unknown"), ("商场", "within_malformed")):
        with pytest.raises(Unprocessable) as refused:
            await apply(conn, vault, msgspec.structs.replace(SHOP, within=said), NOON)
        assert refused.value.code == code


@pytest.mark.usefixtures("district")
async def test_wholly_the_same_is_a_duplicate_and_a_chain_is_not(conn: Connection, vault: Vault):
    await approved(conn, vault, SHOP)
    with pytest.raises(Conflict) as twice:
        await apply(conn, vault, SHOP, NOON, confirm_new=True)
    assert twice.value.code == "duplicate_place"
    elsewhere = msgspec.structs.replace(SHOP, address="杞县建设路8号")
    with pytest.raises(Conflict) as alike:
        await apply(conn, vault, elsewhere, NOON)
    assert alike.value.code == "looks_alike"
    assert await approved(conn, vault, elsewhere)


@pytest.mark.usefixtures("district")
async def test_it_is_applied_for_on_the_page(client: httpx.AsyncClient, conn: Connection):
    shown = await client.get("/apply?kind=venue&lang=en")
    assert "Motorway service area" in shown.text
    said = msgspec.to_builtins(SHOP) | {"category": "pharmacy", "gates": "店门", "kind": "venue"}
    answer = await submit(client, shown, "/apply", said)
    assert answer.status_code == 303, answer.text
    made = await conn.fetchval("SELECT id FROM registry.application")
    filed = await find_application(conn, made)
    assert (filed.kind, filed.category, filed.state) == ("venue", "pharmacy", "pending")
    trucks = await client.get("/apply?lang=en")
    assert "/apply?kind=venue" in trucks.text
