"""Transport passes: numbers, one for a truck, on every open journey at once, verified, revoked."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pypdfium2
import pytest

from kernel.auth import Actor
from kernel.clock import SetClock
from kernel.db import Connection, open_pool
from kernel.errors import Refused
from kernel.ids import uuid7
from kernel.privacy import Vault
from registry.evidence import evidence_about_truck
from registry.rules import RuleSet
from registry.transport import Asked, issue, revoke
from registry.transport_queries import TransportPass, find
from tests.checkpoint.moves import reported
from tests.city import City, build
from tests.conftest import NOON
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
REGISTRAR = Actor(id=uuid4(), kind="account", name="reg", roles=frozenset({"registrar"}))
PLATE = "豫B12345"
#: A plate is drawn with a dot that nobody reads aloud.
SHOWN = "</span>12345"


async def rules_of(conn: Connection, city: City) -> RuleSet:
    return (await city.office.cache.now(conn)).rules_at(NOON)


def asked(**changes: Any) -> Asked:
    said: dict[str, Any] = {
        "id": uuid7(NOON),
        "region": "410221",
        "plate": "豫b·12345",
        "goods": "daily",
        "carrier": "惠民运输",
        "days": 3,
    }
    return Asked(**(said | changes))


async def issued(conn: Connection, city: City, **changes: Any) -> TransportPass:
    return await issue(conn, await rules_of(conn, city), asked(**changes), REGISTRAR, NOON)


async def refusal(conn: Connection, city: City, **changes: Any) -> str:
    with pytest.raises(Refused) as caught:
        await issued(conn, city, **changes)
    return caught.value.code


async def test_numbers_are_the_region_and_a_serial_of_its_own(conn: Connection, city: City) -> None:
    await conn.execute("INSERT INTO registry.district VALUES ('410222', '通许县')")
    made = [
        (await issued(conn, city, plate=f"豫B1234{n}", region=region)).number
        for n, region in enumerate(("410221", "410221", "410222", "410221"))
    ]
    assert made == ["410221000001", "410221000002", "410222000001", "410221000003"]


async def test_the_same_id_is_the_same_pass(conn: Connection, city: City) -> None:
    said = {"id": UUID(int=7)}
    first = await issued(conn, city, **said)
    assert await issued(conn, city, **said) == first
    assert await refusal(conn, city, **said, goods="mail") == "event_id_taken"
    assert await conn.fetchval("SELECT count(*) FROM registry.transport_pass") == 1
    assert await conn.fetchval("SELECT last FROM registry.transport_serial") == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"plate": "nothing"}, "plate_malformed"),
        ({"goods": "other"}, "goods_not_first"),
        ({"goods": "gold"}, "goods_not_first"),
        ({"days": 0}, "days_out_of_range"),
        ({"days": 31}, "days_out_of_range"),
        ({"region": "999999"}, "region_unknown"),
    ],
)
async def test_what_may_not_be_issued(
    conn: Connection, city: City, changes: dict[str, Any], code: str
) -> None:
    assert await refusal(conn, city, **changes) == code
    assert await conn.fetchval("SELECT count(*) FROM registry.transport_serial") == 0


async def test_a_truck_has_one_pass_at_a_time(conn: Connection, city: City) -> None:
    first = await issued(conn, city)
    assert await refusal(conn, city) == "transport_pass_stands"
    rules = await rules_of(conn, city)
    later = NOON + timedelta(days=3)
    assert (await issue(conn, rules, asked(), REGISTRAR, later)).number > first.number


async def test_the_last_serial_is_the_last(conn: Connection, city: City) -> None:
    await conn.execute("INSERT INTO registry.transport_serial VALUES ('410221', 999999)")
    assert await refusal(conn, city) == "serials_used_up"


async def test_many_at_once_get_a_number_each(cloned: str, vault: Vault) -> None:
    pool = await open_pool(cloned, size=5)
    async with pool.acquire() as conn:
        rules = await rules_of(conn, await build(conn, vault, NOON))

    async def one(number: int) -> str:
        async with pool.acquire() as conn, conn.transaction():
            said = asked(id=uuid4(), plate=f"豫B{10000 + number}")
            return (await issue(conn, rules, said, REGISTRAR, NOON)).number

    made = await asyncio.gather(*(one(number) for number in range(20)))
    await pool.close()
    assert sorted(made) == [f"410221{serial:06d}" for serial in range(1, 21)]


async def test_it_reaches_open_journeys_at_once_and_leaves_them_at_once(
    conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)

    async def on_journey() -> str | None:
        vehicle = await conn.fetchval(
            "SELECT vehicle FROM registry.movement WHERE movement_id = $1", movement_id
        )
        return vehicle.get("transport_pass", {}).get("value")

    made = await issued(conn, city)
    assert await on_journey() == "valid"
    later = NOON + timedelta(hours=1)
    await revoke(conn, await rules_of(conn, city), made.number, "lent", REGISTRAR, later)
    assert await on_journey() == "revoked"
    assert (await evidence_about_truck(conn, PLATE))["transport_pass"].value == "revoked"


async def test_revoking_needs_a_reason_and_twice_is_once(conn: Connection, city: City) -> None:
    made, rules = await issued(conn, city), await rules_of(conn, city)
    with pytest.raises(Refused, match="reason_unknown"):
        await revoke(conn, rules, made.number, "  ", REGISTRAR, NOON)
    first = await revoke(conn, rules, made.number, "lent", REGISTRAR, NOON + timedelta(hours=1))
    again = await revoke(conn, rules, made.number, "misused", REGISTRAR, NOON + timedelta(hours=2))
    assert again == first
    assert first.standing(NOON + timedelta(hours=2)) == "revoked"
    # The truck may have another one now.
    later = NOON + timedelta(hours=3)
    assert (await issue(conn, rules, asked(), REGISTRAR, later)).number != made.number


@pytest.mark.parametrize("number", ["410221000001", "410221 000001", "410221-000001"])
async def test_it_is_found_as_it_is_read(conn: Connection, city: City, number: str) -> None:
    made = await issued(conn, city)
    assert await find(conn, number) == made


@pytest.mark.parametrize(
    "number", ["", "41022100000", "４１０２２１０００００１", "410221000002", "\0"]
)
async def test_what_is_no_number(conn: Connection, city: City, number: str) -> None:
    await issued(conn, city)
    with pytest.raises(Refused, match="unknown_transport_pass"):
        await find(conn, number)


async def test_another_districts_registrar_neither_issues_here_nor_revokes(
    conn: Connection, city: City
) -> None:
    made, rules = await issued(conn, city), await rules_of(conn, city)
    other = Actor(
        id=uuid4(), kind="account", name="x", roles=frozenset({"registrar"}), district="410222"
    )
    with pytest.raises(Refused, match="region_unknown"):
        await issue(conn, rules, asked(plate="豫B54321"), other, NOON)
    with pytest.raises(Refused, match="unknown_transport_pass"):
        await revoke(conn, rules, made.number, "lent", other, NOON)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE registry.transport_pass SET number = '41022100001'", "transport_pass_number"),
        ("UPDATE registry.transport_pass SET valid_until = issued_at", "transport_pass_lasts"),
        ("UPDATE registry.transport_pass SET revoked_at = now()", "transport_pass_revoked_for"),
        ("UPDATE registry.transport_serial SET last = 1000000", "transport_serial_room"),
    ],
)
async def test_the_database_keeps_it_too(
    conn: Connection, city: City, statement: str, constraint: str
) -> None:
    await issued(conn, city)
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await conn.execute(statement)
    assert caught.value.constraint_name == constraint


async def test_from_the_form_to_the_paper_and_back(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    registrar = await logged_in("registrar")
    said = {"plate": PLATE, "goods": "daily", "region": "410221", "days": "3", "carrier": ""}
    event_id = str(uuid7(NOON))
    for _ in range(2):
        shown = await registrar.get("/reg/transport")
        fields = said | {"event_id": event_id}
        answer = await submit(registrar, shown, "/reg/transport", fields)
        assert answer.headers["location"] == "/transport/410221000001?done=issued"
    wrong = await submit(registrar, shown, "/reg/transport", said | {"days": "x"})
    assert wrong.status_code == 422
    assert f'value="{PLATE}"' in wrong.text
    paper = await registrar.get("/reg/transport/410221000001/pass.pdf")
    text = pypdfium2.PdfDocument(paper.content)[0].get_textpage().get_text_range()
    assert PLATE in text
    assert "410221 000001" in text
    for role in ("lane", "desk"):
        officer = await logged_in(role, city.north)
        assert SHOWN in (await officer.get("/transport/410221000001")).text
        assert (await officer.get("/reg/transport/410221000001/pass.pdf")).status_code == 403
    assert SHOWN in (await registrar.get("/reg/transport?q=豫B·12345")).text
    assert SHOWN not in (await registrar.get("/reg/transport?q=豫B54321")).text
    shown = await registrar.get("/transport/410221000001")
    path = "/reg/transport/410221000001/revoke"
    assert (await submit(registrar, shown, path, {"reason": ""})).status_code == 422
    clock.at += timedelta(minutes=1)
    await submit(registrar, shown, path, {"reason": "lent"})
    assert "借给了别的车" in (await registrar.get("/transport/410221000001")).text
    told = await conn.fetch("SELECT action FROM kernel.audit WHERE subject_kind = 'transport_pass'")
    assert {row["action"] for row in told} == {
        f"{act}_transport_pass" for act in ("issue", "print", "revoke")
    }
