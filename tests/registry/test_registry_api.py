from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest

from kernel.db import Connection
from registry.accounts import create_account, issue_token
from registry.model import Role
from registry.rules import SCENARIOS
from registry.scenario import install

NOON = datetime(2022, 5, 1, 12, 0, tzinfo=UTC)
Headers = dict[str, str]
TokenFor = Callable[..., Awaitable[Headers]]

MILL = {
    "kind": "destination",
    "category": "面粉厂",
    "name": "祥云面粉厂",
    "district": "410221",
    "address": "杞县金城大道18号",
    "gates": ["东门", "西门"],
    "contact_name": "王小明",
    "contact_phone": "13812345678",
}
LI = "410221199001011239"
ROWS = f"证件号,颜色,更新时间\n{LI},red,2022-05-01 08:00\n{LI}1,red,2022-05-01 08:00\n"


@pytest.fixture(autouse=True)
async def _ground(conn: Connection) -> None:
    await conn.execute(
        "INSERT INTO registry.district VALUES ('410221', '杞县') ON CONFLICT DO NOTHING"
    )
    await install(conn, SCENARIOS / "epidemic-henan.json", NOON, NOON)


@pytest.fixture
def token_for(conn: Connection) -> TokenFor:
    async def make(role: str, place_id: int | None = None) -> Headers:
        account_id = await create_account(
            conn,
            login=uuid4().hex,
            password_hash="x",
            name="某人",
            roles={role},
            place_id=place_id,
            district=None,
            now=NOON,
        )
        token = await issue_token(conn, account_id=account_id, label="test", now=NOON)
        return {"authorization": f"Bearer {token}"}

    return make


async def _apply(client: httpx.AsyncClient, **changes: object) -> httpx.Response:
    return await client.post("/api/v1/places/applications", json=MILL | changes)


async def _approved(client: httpx.AsyncClient, token_for: TokenFor) -> int:
    filed = (await _apply(client)).json()["id"]
    answer = await client.post(
        f"/api/v1/places/applications/{filed}/review",
        json={"decision": "approve"},
        headers=await token_for(Role.REGISTRAR),
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["place_id"]


async def test_anyone_may_apply_and_a_duplicate_is_a_conflict(client: httpx.AsyncClient):
    first = await _apply(client)
    assert (first.status_code, first.json()["state"]) == (201, "pending")
    second = await _apply(client)
    assert (second.status_code, second.json()["code"]) == (409, "duplicate_place")


async def test_a_vague_name_is_told_in_both_languages(client: httpx.AsyncClient):
    answer = await _apply(client, name="仓库")
    assert (answer.status_code, answer.json()["code"]) == (422, "name_vague")
    assert answer.json()["detail"] != answer.json()["detail_other"]


async def test_a_review_wants_the_registrar(client: httpx.AsyncClient, token_for: TokenFor):
    filed = (await _apply(client)).json()["id"]
    path = f"/api/v1/places/applications/{filed}/review"
    said = {"decision": "reject", "reason": "写错了"}
    assert (await client.post(path, json=said)).status_code == 401
    headers = await token_for(Role.DUTY)
    assert (await client.post(path, json=said, headers=headers)).status_code == 403
    headers = await token_for(Role.REGISTRAR)
    answer = await client.post(path, json={"decision": "reject"}, headers=headers)
    assert answer.json()["code"] == "reason_needed"
    assert (await client.post(path, json=said, headers=headers)).json()["state"] == "rejected"
    again = await client.post(path, json=said, headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "already_reviewed")


async def test_the_directory_is_public_and_holds_no_contacts(
    client: httpx.AsyncClient, token_for: TokenFor
):
    place_id = await _approved(client, token_for)
    answer = await client.get("/api/v1/places", params={"kind": "destination"})
    assert place_id in [place["id"] for place in answer.json()["places"]]
    assert "王" not in answer.text
    assert "13812345678" not in answer.text


async def test_a_poster_is_for_the_staff_of_its_place(
    client: httpx.AsyncClient, token_for: TokenFor
):
    place_id = await _approved(client, token_for)
    other = await _approved_other(client, token_for)
    path = f"/api/v1/places/{place_id}/poster.svg"
    assert (await client.get(path)).status_code == 401
    wrong = await client.get(path, headers=await token_for(Role.FIRM, other))
    assert (wrong.status_code, wrong.json()["code"]) == (403, "not_your_place")
    for role in (Role.FIRM, Role.REGISTRAR):
        headers = await token_for(role, place_id)
        answer = await client.get(path, params={"gate": "西门"}, headers=headers)
        assert answer.headers["content-type"].startswith("image/svg+xml")
        assert "西门" in answer.text


async def _approved_other(client: httpx.AsyncClient, token_for: TokenFor) -> int:
    filed = (await _apply(client, name="另一家面粉厂", confirm_new=True)).json()["id"]
    answer = await client.post(
        f"/api/v1/places/applications/{filed}/review",
        json={"decision": "approve"},
        headers=await token_for(Role.REGISTRAR),
    )
    return answer.json()["place_id"]


async def test_a_rotated_code_is_answered_with_its_address(
    client: httpx.AsyncClient, token_for: TokenFor
):
    place_id = await _approved(client, token_for)
    answer = await client.post(
        f"/api/v1/places/{place_id}/codes/rotate",
        json={"gate": "东门", "reason": "海报丢失"},
        headers=await token_for(Role.REGISTRAR),
    )
    assert answer.status_code == 200
    assert answer.json()["url"].endswith(f"/t/{answer.json()['code']}")


async def test_evidence_has_a_result_for_each_row_and_a_trial_keeps_nothing(
    client: httpx.AsyncClient, token_for: TokenFor, conn: Connection
):
    headers = await token_for(Role.REGISTRAR) | {"content-type": "text/csv"}
    path = "/api/v1/evidence/health_code"
    body = ROWS.encode()
    refused = await client.post(path, content=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "source_needed")
    query = {"source": "province", "dry_run": "true"}
    trial = await client.post(path, params=query, content=body, headers=headers)
    assert trial.status_code == 200, trial.text
    assert await conn.fetchval("SELECT count(*) FROM registry.evidence") == 0
    real = await client.post(path, params={"source": "province"}, content=body, headers=headers)
    assert real.json()["rows"] == trial.json()["rows"]
    assert [row["status"] for row in real.json()["rows"]] == ["accepted", "refused"]
    assert await conn.fetchval("SELECT count(*) FROM registry.evidence") == 1
    assert LI not in real.text


async def test_the_rules_in_force_are_public(client: httpx.AsyncClient):
    answer = await client.get("/api/v1/rules")
    assert answer.json()["scenario"] == "epidemic-henan"
    assert answer.json()["limits"]["window_before_hours"] == 6
