"""An application that was sent back is mended under its id, and every review stays."""

from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pytest

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Refused
from kernel.privacy import Vault
from registry.applications import Mending, apply, find_application, mend
from registry.particulars import Application
from registry.reviews import history_of, pending, review
from tests.http import submit

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
FORM = {**msgspec.to_builtins(MILL), "gates": "东门\n西门"}


@pytest.fixture(autouse=True)
async def _district(conn: Connection) -> None:
    await conn.execute(
        "INSERT INTO registry.district VALUES ('410221', '杞县') ON CONFLICT DO NOTHING"
    )


async def _sent_back(conn: Connection, vault: Vault, reason: str = "vague: 请写明门牌") -> UUID:
    made = await apply(conn, vault, MILL, NOON)
    await review(conn, made, "reject", reason, REVIEWER, NOON)
    return made


async def test_it_waits_again_under_its_id_and_the_reviews_stay(conn: Connection, vault: Vault):
    made = await _sent_back(conn, vault)
    later = NOON + timedelta(hours=1)
    assert await mend(conn, vault, made, Mending(address="杞县金城大道18号院内"), later) == made
    filed = await find_application(conn, made)
    assert (filed.state, filed.reason, filed.mended_at) == ("pending", None, later)
    assert (filed.name, filed.gates) == (MILL.name, MILL.gates)
    (waiting,) = await pending(conn, vault, REVIEWER, later)
    assert waiting.contact.name == "王**"
    assert [(each.decision, each.reason) for each in waiting.history] == [
        ("rejected", "vague: 请写明门牌")
    ]
    assert waiting.alike == ()
    await review(conn, made, "approve", None, REVIEWER, later)
    assert [each.decision for each in await history_of(conn, made)] == ["rejected", "approved"]
    with pytest.raises(asyncpg.RestrictViolationError):
        await conn.execute("DELETE FROM registry.application_review")


async def test_only_what_was_sent_back_can_be_mended(conn: Connection, vault: Vault):
    made = await apply(conn, vault, MILL, NOON)
    with pytest.raises(Conflict) as caught:
        await mend(conn, vault, made, Mending(name="祥云面粉二厂"), NOON)
    assert caught.value.code == "not_sent_back"
    with pytest.raises(NotFound):
        await mend(conn, vault, uuid4(), Mending(), NOON)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (Mending(name="仓库"), "name_vague"),
        (Mending(gates=tuple(f"{n}门" for n in range(65))), "too_many_gates"),
        (Mending(gates=("东门", "东门")), "gate_twice"),
        (Mending(contact_phone="123"), "phone_malformed"),
        (Mending(district="999999"), "district_unknown"),
    ],
)
async def test_an_unsound_mending_changes_nothing(
    conn: Connection, vault: Vault, said: Mending, code: str
):
    made = await _sent_back(conn, vault)
    with pytest.raises(Refused) as caught:
        await mend(conn, vault, made, said, NOON)
    assert caught.value.code == code
    assert (await find_application(conn, made)).state == "rejected"


async def test_a_place_that_somebody_else_got_meanwhile_is_a_duplicate(
    conn: Connection, vault: Vault
):
    made = await _sent_back(conn, vault)
    await apply(conn, vault, MILL, NOON)
    with pytest.raises(Conflict) as caught:
        await mend(conn, vault, made, Mending(confirm_new=True), NOON)
    assert caught.value.code == "duplicate_place"


async def test_a_new_contact_replaces_the_kept_one(conn: Connection, vault: Vault):
    made = await _sent_back(conn, vault)
    said = Mending(contact_name="欧阳𠮷", contact_phone="+86 139 0000 0002")
    await mend(conn, vault, made, said, NOON)
    row = await conn.fetchrow(
        "SELECT contact_phone_sealed, contact_phone_blind FROM registry.application"
    )
    assert row is not None
    assert vault.open(row["contact_phone_sealed"], field="contact_phone") == "+8613900000002"
    assert row["contact_phone_blind"] == vault.blind("+8613900000002", field="phone")


async def test_the_page_has_everything_but_the_contact_and_says_the_sentence(
    client: httpx.AsyncClient, conn: Connection, vault: Vault
):
    made = await _sent_back(conn, vault)
    shown = await client.get(f"/applications/{made}/mend")
    assert "表述模糊" in shown.text or "模糊" in shown.text
    assert "请写明门牌" in shown.text
    assert 'value="杞县金城大道18号"' in shown.text
    assert "东门\n西门" in unescape(shown.text)
    assert "王小明" not in shown.text
    assert "13812345678" not in shown.text
    assert "王**" in shown.text
    wrong = FORM | {"contact_name": "", "contact_phone": "", "name": "仓库"}
    again = await submit(client, shown, f"/applications/{made}/mend", wrong)
    assert again.status_code == 422
    assert 'value="仓库"' in again.text
    right = wrong | {"name": "祥云面粉厂", "address": "杞县金城大道18号东院"}
    done = await submit(client, shown, f"/applications/{made}/mend", right)
    assert (done.status_code, done.headers["location"]) == (303, f"/applications/{made}")
    twice = await submit(client, shown, f"/applications/{made}/mend", right)
    assert (twice.status_code, twice.headers["location"]) == (303, f"/applications/{made}")
    assert (await client.get(f"/applications/{made}/mend")).status_code == 303


async def test_the_api_mends_with_the_id_alone(
    client: httpx.AsyncClient, conn: Connection, vault: Vault
):
    made = await _sent_back(conn, vault, "地址写错了")
    path = f"/api/v1/places/applications/{made}"
    assert (await client.get(path)).json()["reason"] == "地址写错了"
    answer = await client.patch(path, json={"address": "杞县金城大道19号"})
    assert (answer.status_code, answer.json()) == (200, {"id": str(made), "state": "pending"})
    assert (await client.patch(path, json={})).json()["code"] == "not_sent_back"
    assert (await client.patch(path, json={"nonsense": 1})).status_code == 400
    stranger = await client.patch(f"/api/v1/places/applications/{uuid4()}", json={})
    assert stranger.status_code == 404


async def test_nothing_typed_is_lost_on_the_page_of_look_alikes(
    client: httpx.AsyncClient, conn: Connection, vault: Vault
):
    await apply(conn, vault, MILL, NOON)
    typed = FORM | {
        "name": "祥云面粉有限公司",
        "contact_name": "欧阳𠮷",
        "address": '杞县"甲"路<1>号',
    }
    shown = await client.get("/apply")
    asked = await submit(client, shown, "/apply", typed)
    assert asked.status_code == 200
    assert "祥云面粉厂" in asked.text
    assert await conn.fetchval("SELECT count(*) FROM registry.application") == 1
    back = await submit(client, asked, "/apply", typed | {"send": "change"})
    for page in (asked.text, back.text):
        for value in typed.values():
            assert value in unescape(page)
    sent = await submit(client, asked, "/apply", typed | {"send": "new"})
    assert sent.status_code == 303
    assert await conn.fetchval("SELECT count(*) FROM registry.application") == 2


async def test_a_contact_is_shown_whole_only_with_a_reason_that_is_kept(
    logged_in: Any, conn: Connection, vault: Vault
):
    made = await apply(conn, vault, MILL, NOON)
    browser = await logged_in("registrar")
    shown = await browser.get("/reg/applications")
    assert "王小明" not in shown.text
    path = f"/reg/applications/{made}/contact"
    refused = await submit(browser, shown, path, {"reason": " "})
    assert refused.status_code == 422
    assert "王小明" not in refused.text
    whole = await submit(browser, shown, path, {"reason": "核对电话"})
    assert "王小明" in whole.text
    assert "13812345678" in whole.text
    rows = await conn.fetch(
        "SELECT subject, reason FROM kernel.audit WHERE action = 'reveal_contact'"
    )
    assert [tuple(row) for row in rows] == [(str(made), "核对电话")]
