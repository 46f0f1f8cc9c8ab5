"""Consoles are enrolled by a code that is used once, and known by their key."""

from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key

from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from registry.accounts import create_device, revoke_device
from registry.consoles import CODE_LIVES, NONCE_LIVES, SESSION_LIVES, make_code
from registry.offline_pass import CURVE
from tests.checkpoint.consoles import Console
from tests.city import City


@pytest.fixture
async def code(conn: Connection, city: City, clock: SetClock) -> str:
    device = await create_device(
        conn, name="一号道控制台", place_id=city.north, role="lane", now=clock.at
    )
    return await make_code(conn, device, uuid4(), clock.at)


@pytest.fixture
async def console(client: httpx.AsyncClient, code: str) -> Console:
    made = Console(client)
    assert (await made.enrol(code)).status_code == 201
    return made


async def test_a_console_puts_its_key_there_and_opens_a_session(
    console: Console, city: City
) -> None:
    assert console.enrolled["place"] == {"id": city.north, "name": "北卡口", "gates": ["1"]}
    answer = await console.open()
    assert answer.status_code == 200, answer.text
    assert (await console.get("/gate/bundle")).status_code == 200


async def test_a_code_works_once_but_the_same_console_may_say_it_again(
    console: Console, client: httpx.AsyncClient, code: str
) -> None:
    assert (await console.enrol(f"{code[:4]} {code[4:8]} {code[8:]}")).status_code == 201
    stranger = await Console(client).enrol(code)
    assert (stranger.status_code, stranger.json()["code"]) == (403, "enrolment_code_wrong")


async def test_a_code_ends_by_its_hour_by_a_newer_one_and_with_its_device(
    client: httpx.AsyncClient, conn: Connection, clock: SetClock, code: str
) -> None:
    device = await conn.fetchval("SELECT device_id FROM registry.enrolment_code")
    newer = await make_code(conn, device, uuid4(), clock.at)
    assert (await Console(client).enrol(code)).status_code == 403
    clock.at += CODE_LIVES
    assert (await Console(client).enrol(newer)).status_code == 403
    last = await make_code(conn, device, uuid4(), clock.at)
    await revoke_device(conn, device, clock.at)
    assert (await Console(client).enrol(last)).status_code == 403


async def test_a_key_that_is_none_is_refused(client: httpx.AsyncClient, code: str) -> None:
    for key in ({"x": "AA", "y": "AA"}, {"x": "!", "y": ""}):
        body = {"code": code, "public_key": key}
        answer = await client.post("/api/v1/gate/enrol", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "key_malformed")


async def test_only_the_devices_key_opens_and_only_with_a_fresh_nonce(
    console: Console, clock: SetClock
) -> None:
    nonce = await console.nonce()
    strange = console.signed(nonce, generate_private_key(CURVE))
    answer = await console.open(nonce, strange)
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_wrong")
    assert (await console.open(nonce, "AAAA")).json()["code"] == "signature_wrong"
    other = ("B" if nonce[0] == "A" else "A") + nonce[1:]
    for forged in ("", "AAAA", other):
        refused = await console.open(forged or "x", console.signed(forged))
        assert refused.json()["code"] == "nonce_old"
    clock.at += NONCE_LIVES + timedelta(seconds=1)
    assert (await console.open(nonce)).json()["code"] == "nonce_old"


async def test_a_nonce_is_for_one_device(
    console: Console, client: httpx.AsyncClient, conn: Connection, city: City, clock: SetClock
) -> None:
    other = Console(client)
    device = await create_device(
        conn, name="二号道", place_id=city.north, role="lane", now=clock.at
    )
    await other.enrol(await make_code(conn, device, uuid4(), clock.at))
    assert (await other.open(await console.nonce())).json()["code"] == "nonce_old"


async def test_a_session_ends_by_its_hour_without_anybodys_doing(
    console: Console, clock: SetClock
) -> None:
    await console.open()
    clock.at += SESSION_LIVES - timedelta(seconds=1)
    assert (await console.get("/gate/notices")).status_code == 200
    clock.at += timedelta(seconds=1)
    assert (await console.get("/gate/notices")).status_code == 401


async def test_a_device_that_is_withdrawn_opens_nothing_any_more(
    console: Console, conn: Connection, clock: SetClock
) -> None:
    await console.open()
    await revoke_device(conn, console.enrolled["device"], clock.at)
    assert (await console.get("/gate/notices")).status_code == 401
    again = await console.open()
    assert (again.status_code, again.json()["code"]) == (401, "device_revoked")


async def test_a_new_session_ends_the_one_before(console: Console) -> None:
    await console.open()
    first = console.token
    await console.open()
    assert (await console.get("/gate/notices")).status_code == 200
    console.token = first
    assert (await console.get("/gate/notices")).status_code == 401


async def test_a_hand_over_signs_for_what_was_not_sent(
    console: Console, conn: Connection, clock: SetClock
) -> None:
    await console.open()
    said = {
        "id": str(uuid7(clock.at)),
        "gate": "1",
        "gave": "041",
        "took": "077",
        "counts": {"green": 212, "yellow": 9, "white": 1},
        "unsynced": 3,
        "at": clock.at.isoformat(),
    }
    refused = await console.post("/gate/handovers", said)
    assert (refused.status_code, refused.json()["code"]) == (422, "unsynced_not_signed")
    signed = said | {"signed_for": "041 断网"}
    for _ in range(2):
        assert (await console.post("/gate/handovers", signed)).status_code == 201
    (row,) = await conn.fetch("SELECT counts, unsynced, signed_for FROM registry.handover")
    assert (row["counts"]["green"], row["counts"]["red"], row["unsynced"]) == (212, 0, 3)
    unnamed = await console.post("/gate/handovers", signed | {"id": str(uuid4()), "gave": " "})
    assert unnamed.json()["code"] == "handover_unnamed"


async def test_a_closure_stands_until_it_ends(console: Console, clock: SetClock) -> None:
    await console.open()
    told = {"id": str(uuid7(clock.at)), "kind": "wait", "minutes": 40, "reason": "排队"}
    for _ in range(2):
        assert (await console.post("/gate/notices", told)).status_code == 201
    clock.at += timedelta(minutes=5)
    newer = told | {"id": str(uuid7(clock.at)), "minutes": 20}
    (standing,) = (await console.post("/gate/notices", newer)).json()["notices"]
    assert standing["minutes"] == 20
    until = (clock.at + timedelta(hours=1)).isoformat()
    closed = {"id": str(uuid7(clock.at)), "kind": "closed", "gate": "1", "until": until}
    assert len((await console.post("/gate/notices", closed)).json()["notices"]) == 2
    over = {"id": str(uuid4()), "kind": "over", "of": standing["id"]}
    assert len((await console.post("/gate/notices", over)).json()["notices"]) == 1
    clock.at += timedelta(hours=1)
    assert (await console.get("/gate/notices")).json()["notices"] == []


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"kind": "wait"}, "notice_needs_minutes"),
        ({"kind": "wait", "minutes": 5000}, "notice_needs_minutes"),
        ({"kind": "closed", "minutes": 5}, "notice_needs_minutes"),
        ({"kind": "closed", "until": "2020-01-01T00:00:00Z"}, "notice_over"),
        ({"kind": "over"}, "unknown_notice"),
    ],
)
async def test_a_notice_that_makes_no_sense_is_refused(
    console: Console, changes: dict[str, object], refusal: str
) -> None:
    await console.open()
    answer = await console.post("/gate/notices", {"id": str(uuid4())} | changes)
    assert answer.json()["code"] == refusal


async def test_words_are_taken_along_in_both_languages(
    client: httpx.AsyncClient, city: City
) -> None:
    assert city
    zh, en = [
        (await client.get("/api/v1/gate/words", params={"lang": lang})).json()
        for lang in ("zh", "en")
    ]
    assert (zh["lang"], en["lang"]) == ("zh", "en")
    assert zh["said"].keys() == en["said"].keys() >= {"card.green", "wrong.payment_code"}
    assert en["reasons"]["test_stale"]["sentence"] == "The test proof is older than 48 hours"
