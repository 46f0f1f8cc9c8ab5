import re
from datetime import UTC, datetime
from html import unescape

import httpx
import pytest

from kernel.attempts import MOST_FAILURES
from kernel.auth import hash_password
from kernel.db import Connection
from registry.accounts import create_account
from registry.rules import SCENARIOS
from registry.scenario import install

NOON = datetime(2022, 5, 1, 12, 0, tzinfo=UTC)
LI = "410221199001011239"
MILL = {
    "kind": "destination",
    "category": "面粉厂",
    "name": "祥云面粉厂",
    "district": "410221",
    "address": "杞县金城大道18号",
    "gates": "东门\n西门",
    "contact_name": "王小明",
    "contact_phone": "13812345678",
}


@pytest.fixture(autouse=True)
async def _accounts(conn: Connection) -> None:
    await conn.execute(
        "INSERT INTO registry.district VALUES ('410221', '杞县') ON CONFLICT DO NOTHING"
    )
    await install(conn, SCENARIOS / "epidemic-henan.json", NOON, NOON)
    for role in ("registrar", "duty"):
        await create_account(
            conn,
            login=f"test-{role}",
            password_hash=await hash_password("a good long one"),
            name="某人",
            roles={role},
            place_id=None,
            district=None,
            now=NOON,
            demo=True,
        )


async def _send(
    client: httpx.AsyncClient, shown: str, target: str, fields: dict[str, str], **more: object
) -> httpx.Response:
    """Fill in the form on the page `shown` and send it to `target`."""
    page = await client.get(shown)
    token = re.search(r'name="_csrf_token"[^>]*value="([^"]+)"', page.text)
    assert token, page.text
    data = fields | {"_csrf_token": unescape(token[1])}
    return await client.post(target, data=data, **more)  # pyright: ignore[reportArgumentType]


async def _log_in(client: httpx.AsyncClient, role: str, **fields: str) -> httpx.Response:
    said = {"login": f"test-{role}", "password": "a good long one"} | fields
    return await _send(client, "/login", "/login", said)


async def _apply(client: httpx.AsyncClient, **changes: str) -> httpx.Response:
    return await _send(client, "/apply", "/apply", MILL | changes)


@pytest.mark.parametrize("path", ["/", "/places", "/places?kind=destination", "/apply", "/login"])
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_public_pages_open_in_both_languages(client: httpx.AsyncClient, path: str, lang: str):
    answer = await client.get(path, params={"lang": lang} | dict(httpx.URL(path).params))
    assert answer.status_code == 200
    assert "error." not in answer.text


async def test_the_last_pass_of_a_device_is_offered_only_if_it_is_one(client: httpx.AsyncClient):
    mine = "4102000000001-0123456789abcdef0123"
    answer = await client.get("/", headers={"cookie": f"last_pass={mine}"})
    assert f"/d/{mine}" in answer.text
    answer = await client.get("/", headers={"cookie": "last_pass=../evil"})
    assert "evil" not in answer.text


@pytest.mark.parametrize(("role", "home"), [("registrar", "/reg/applications"), ("duty", "/duty")])
async def test_a_login_leads_to_the_page_of_its_role(
    client: httpx.AsyncClient, role: str, home: str
):
    answer = await _log_in(client, role)
    assert (answer.status_code, answer.headers["location"]) == (303, home)


@pytest.mark.parametrize(
    ("wanted", "got"),
    [("/reg/evidence", "/reg/evidence"), ("https://evil.example/", "/reg/applications")],
)
async def test_a_login_leads_back_to_a_page_of_ours_only(
    client: httpx.AsyncClient, wanted: str, got: str
):
    answer = await _log_in(client, "registrar", next=wanted)
    assert answer.headers["location"] == got


async def test_a_wrong_password_is_counted_although_it_is_refused(client: httpx.AsyncClient):
    for _ in range(MOST_FAILURES):
        answer = await _log_in(client, "registrar", password="wrong")
        assert answer.status_code == 422
        assert 'value="test-registrar"' in answer.text
        assert "wrong" not in answer.text
    assert (await _log_in(client, "registrar")).status_code == 429


async def test_a_logout_ends_the_session(client: httpx.AsyncClient):
    await _log_in(client, "registrar")
    assert (await client.get("/reg/evidence")).status_code == 200
    answer = await _send(client, "/", "/logout", {})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    answer = await client.get("/reg/evidence")
    assert answer.headers["location"].startswith("/login?next=")


async def test_a_form_with_an_error_keeps_what_was_typed(client: httpx.AsyncClient):
    answer = await _apply(client, name="仓库", contact_phone="123")
    assert answer.status_code == 422
    assert 'value="杞县金城大道18号"' in answer.text
    assert 'href="#f-name"' in answer.text
    assert 'href="#f-contact_phone"' in answer.text


async def test_an_application_goes_from_the_form_to_a_place_with_codes(client: httpx.AsyncClient):
    sent = await _apply(client)
    assert sent.status_code == 303
    status = sent.headers["location"]
    assert "13812345678" not in (await client.get(status)).text
    again = await _apply(client)
    assert again.headers["location"] == status, "the same device, the same answers"
    client.cookies.delete("last_applied")
    assert (await _apply(client)).status_code == 422
    await _log_in(client, "registrar")
    review = f"/reg{status}/review"
    waiting = await client.get("/reg/applications")
    assert "祥云面粉厂" in waiting.text
    assert "王小明" not in waiting.text
    vain = await _send(client, "/reg/applications", review, {"decision": "reject"})
    assert vain.status_code == 422
    done = await _send(client, "/reg/applications", review, {"decision": "approve"})
    place = done.headers["location"]
    shown = await client.get(place)
    assert shown.text.count("/poster.svg") == 2
    before = re.findall(r"/t/([0-9A-Z]{10})", shown.text)
    turned = await _send(
        client, place, f"{place}/act", {"act": "rotate_code", "gate": "东门", "reason": "丢失"}
    )
    assert (turned.status_code, turned.headers["location"]) == (303, place)
    after = re.findall(r"/t/([0-9A-Z]{10})", (await client.get(place)).text)
    assert len(set(before) & set(after)) == 1
    lookalike = await _apply(client, address="杞县另一条路99号")
    assert 'id="lookalike"' in lookalike.text


async def test_a_rejection_tells_the_applicant_why(client: httpx.AsyncClient):
    status = (await _apply(client)).headers["location"]
    await _log_in(client, "registrar")
    said = {"decision": "reject", "reason": "vague", "note": "请写明门牌"}
    done = await _send(client, "/reg/applications", f"/reg{status}/review", said)
    assert done.headers["location"] == "/reg/applications"
    shown = await client.get(status, params={"lang": "en"})
    assert "Too vague: 请写明门牌" in shown.text


async def test_the_pages_of_the_registrar_are_closed_to_others(client: httpx.AsyncClient):
    await _log_in(client, "duty")
    for path in ("/reg/applications", "/reg/evidence", "/reg/places/1"):
        assert (await client.get(path)).status_code == 403


async def test_a_file_is_tried_and_then_imported(client: httpx.AsyncClient, conn: Connection):
    await _log_in(client, "registrar")
    rows = f"证件号,颜色,更新时间\n{LI},red,2022-05-01 08:00\n{LI}1,red,2022-05-01 08:00\n"
    upload = {"file": ("名单.csv", rows.encode("gb18030"), "application/vnd.ms-excel")}
    for fields, kept in (({"dry_run": "yes"}, 0), ({}, 1)):
        said = {"kind": "health_code"} | fields
        answer = await _send(client, "/reg/evidence", "/reg/evidence", said, files=upload)
        assert answer.status_code == 200, answer.text
        assert LI not in answer.text
        assert await conn.fetchval("SELECT count(*) FROM registry.evidence") == kept
    wrong = {"file": ("a.csv", b"\xff\xfe\x00", "text/csv")}
    answer = await _send(client, "/reg/evidence", "/reg/evidence", {"kind": "test"}, files=wrong)
    assert answer.status_code == 422
