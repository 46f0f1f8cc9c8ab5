from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec
import pytest

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Refused, Unprocessable
from kernel.privacy import Vault
from registry.applications import apply, find_application
from registry.codes import CodeAct, Turn, act_on_codes
from registry.particulars import Application
from registry.places import codes_of, directory, find_place, read_contact
from registry.poster_queries import poster_of
from registry.posters import poster_svg
from registry.reviews import pending, review
from registry.world import load_world

NOON = datetime(2022, 5, 1, 12, 0, tzinfo=UTC)
REVIEWER = Actor(id=uuid4(), kind="account", name="李审核", roles=frozenset({"registrar"}))
MILL = Application(
    kind="destination",
    category="面粉厂",
    name="祥云面粉厂",
    district="410221",
    address="杞县金城大道18号",
    gates=("东门", "西门"),
    contact_name="王小明",
    contact_phone="13812345678",
)


@pytest.fixture(autouse=True)
async def _district(conn: Connection) -> None:
    await conn.execute("INSERT INTO registry.district VALUES ('410221', '杞县')")


def _with(**changes: object) -> Application:
    return msgspec.structs.replace(MILL, **changes)


async def _approve(conn: Connection, application_id: UUID) -> int:
    done = await review(conn, application_id, "approve", None, REVIEWER, NOON)
    assert done.place_id is not None
    return done.place_id


async def test_approval_creates_the_place_with_one_code_for_each_gate(
    conn: Connection, vault: Vault
):
    application_id = await apply(conn, vault, MILL, NOON)
    assert (await find_application(conn, application_id)).state == "pending"
    place_id = await _approve(conn, application_id)
    place = await find_place(conn, place_id)
    codes = await codes_of(conn, place_id, NOON)
    assert (place.name, place.gates, place.status) == ("祥云面粉厂", ("东门", "西门"), "active")
    assert sorted(code.gate for code in codes) == ["东门", "西门"]
    assert len({code.code for code in codes}) == 2
    world = await load_world(conn)
    assert world.codes[codes[0].code] == (place_id, codes[0].gate)
    assert (await find_application(conn, application_id)).place_id == place_id


async def test_the_directory_shows_active_places_and_no_contacts(conn: Connection, vault: Vault):
    place_id = await _approve(conn, await apply(conn, vault, MILL, NOON))
    listed = await directory(conn, "destination")
    assert [place.id for place in listed] == [place_id]
    assert await directory(conn, "checkpoint") == []
    shown = msgspec.json.encode(listed).decode()
    assert "王" not in shown
    assert "138" not in shown
    await conn.execute("UPDATE registry.place SET status = 'revoked' WHERE id = $1", place_id)
    assert await directory(conn) == []


async def test_contacts_are_sealed_and_each_reading_is_on_record(conn: Connection, vault: Vault):
    application_id = await apply(conn, vault, MILL, NOON)
    stored = await conn.fetchrow(
        "SELECT contact_sealed, contact_phone_sealed FROM registry.application"
    )
    assert stored is not None
    assert not any("王小明".encode() in bytes(cell) or b"138" in bytes(cell) for cell in stored)
    (waiting,) = await pending(conn, vault, REVIEWER, NOON)
    assert waiting.contact.name == "王**"
    assert "1234" not in waiting.contact.phone
    place_id = await _approve(conn, application_id)
    contact = await read_contact(conn, vault, place_id, actor=REVIEWER, reason="call", now=NOON)
    assert contact == waiting.contact
    rows = await conn.fetch("SELECT subject_kind, subject, reason FROM kernel.audit")
    assert {tuple(row) for row in rows} == {
        ("application", str(application_id), "review"),
        ("place", str(place_id), "call"),
    }


async def test_a_rejection_needs_a_reason_and_shows_it(conn: Connection, vault: Vault):
    application_id = await apply(conn, vault, MILL, NOON)
    with pytest.raises(Unprocessable) as caught:
        await review(conn, application_id, "reject", "  ", REVIEWER, NOON)
    assert caught.value.code == "reason_needed"
    await review(conn, application_id, "reject", "地址写错了", REVIEWER, NOON)
    filed = await find_application(conn, application_id)
    assert (filed.state, filed.reason) == ("rejected", "地址写错了")
    assert await directory(conn) == []


async def test_a_rejected_application_may_be_sent_again(conn: Connection, vault: Vault):
    first = await apply(conn, vault, MILL, NOON)
    await review(conn, first, "reject", "vague", REVIEWER, NOON)
    assert await apply(conn, vault, MILL, NOON) != first


@pytest.mark.parametrize("first", ["approve", "reject"])
async def test_a_second_review_is_refused(conn: Connection, vault: Vault, first: str):
    application_id = await apply(conn, vault, MILL, NOON)
    await review(conn, application_id, first, "why", REVIEWER, NOON)
    with pytest.raises(Conflict) as caught:
        await review(conn, application_id, "approve", None, REVIEWER, NOON)
    assert caught.value.code == "already_reviewed"


async def test_the_same_application_twice_is_refused_and_the_connection_goes_on(
    conn: Connection, vault: Vault
):
    await apply(conn, vault, MILL, NOON)
    with pytest.raises(Conflict) as caught:
        await apply(conn, vault, _with(name=" 祥云面粉厂 "), NOON)
    assert caught.value.code == "duplicate_place"
    assert await conn.fetchval("SELECT count(*) FROM registry.application") == 1


async def test_a_place_that_exists_cannot_be_applied_for_again(conn: Connection, vault: Vault):
    place_id = await _approve(conn, await apply(conn, vault, MILL, NOON))
    with pytest.raises(Conflict) as caught:
        await apply(conn, vault, _with(address="杞县另一条路99号"), NOON)
    assert (caught.value.code, caught.value.facts) == ("duplicate_place", {"place_id": place_id})


async def test_of_two_applications_for_one_place_only_one_is_approved(
    conn: Connection, vault: Vault
):
    first = await apply(conn, vault, MILL, NOON)
    second = await apply(conn, vault, _with(address="杞县金城大道十八号"), NOON, confirm_new=True)
    await _approve(conn, first)
    with pytest.raises(Conflict) as caught:
        await review(conn, second, "approve", None, REVIEWER, NOON)
    assert caught.value.code == "duplicate_place"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"kind": "castle"}, "kind_not_offered"), ({"district": "999999"}, "district_unknown")],
)
async def test_an_unsound_application_is_not_stored(
    conn: Connection, vault: Vault, changes: dict[str, object], code: str
):
    with pytest.raises(Refused) as caught:
        await apply(conn, vault, _with(**changes), NOON)
    assert caught.value.code == code
    assert await conn.fetchval("SELECT count(*) FROM registry.application") == 0


async def test_an_unknown_application_is_not_found(conn: Connection):
    with pytest.raises(NotFound):
        await find_application(conn, uuid4())
    with pytest.raises(NotFound):
        await review(conn, uuid4(), "approve", None, REVIEWER, NOON)


async def test_a_rotated_code_ends_the_old_one_only_for_its_gate(conn: Connection, vault: Vault):
    place_id = await _approve(conn, await apply(conn, vault, MILL, NOON))
    before = {code.gate: code.code for code in await codes_of(conn, place_id, NOON)}
    said = CodeAct(act=Turn.ROTATE, gate="东门", reason="海报丢失")
    new = (await act_on_codes(conn, place_id, said, REVIEWER, NOON)).code
    after = {code.gate: code.code for code in await codes_of(conn, place_id, NOON)}
    assert after == {"东门": new, "西门": before["西门"]}
    assert new != before["东门"]
    assert before["东门"] not in (await load_world(conn)).codes
    with pytest.raises(NotFound) as caught:
        await act_on_codes(
            conn, place_id, CodeAct(act=Turn.ROTATE, gate="南门", reason="x"), REVIEWER, NOON
        )
    assert caught.value.code == "unknown_gate"


async def test_a_poster_shows_the_code_of_its_gate(conn: Connection, vault: Vault):
    place_id = await _approve(conn, await apply(conn, vault, MILL, NOON))
    code = {c.gate: c.code for c in await codes_of(conn, place_id, NOON)}["西门"]
    found = await poster_of(conn, REVIEWER, place_id, "西门", public_url="https://example.org")
    assert f"{code[:5]}-{code[5:]}" in poster_svg(found)
    with pytest.raises(NotFound):
        await poster_of(conn, REVIEWER, place_id, "南门", public_url="https://example.org")
