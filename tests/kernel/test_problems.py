import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import asyncpg
import httpx
import msgspec
import pytest
from asyncpg.exceptions._base import DataError as ClientDataError
from litestar import Litestar, get, post
from litestar.params import FromPath, JSONBody

import kernel
from kernel.assets import Assets
from kernel.errors import Conflict, NotFound, Refused, TooMany, Unauthenticated, Unavailable
from kernel.i18n import load_catalogues
from kernel.problems import (
    STATUS_OF,
    classify,
    exception_handlers,
    out_of_group,
    read_field_error,
)
from kernel.web import template_config

HERE = Path(kernel.__file__).parent
RAISED: dict[str, Exception] = {
    "refused": Conflict("already_there", place_id=7, status="mine"),
    "locked": TooMany(
        "too_many_attempts", until=datetime(2022, 4, 12, 13, 0, tzinfo=UTC), retry_after=900
    ),
    "leaky": NotFound("unknown_person", given="410221199001011234", phone="13812345678"),
    "gone": asyncpg.ConnectionDoesNotExistError("connection was closed"),
    "no_pool": Unavailable("database_unavailable"),
    "slow": TimeoutError(),
    "cancelled": asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
    "closed": asyncpg.InterfaceError("pool is closed"),
    "our_argument": ClientDataError("invalid input for $1: '410221199001011234'"),
    "bug": KeyError("410221199001011234"),
    "row": msgspec.ValidationError("Invalid enum value '13812345678' - at `$.kind`"),
    "log_in": Unauthenticated("log_in_first"),
}


class Thing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: Literal["a", "b"]
    phone: Annotated[str, msgspec.Meta(pattern="^1[0-9]{10}$")]
    count: int = 0


@get(["/api/v1/raise/{name:str}", "/raise/{name:str}"])
async def raise_it(name: FromPath[str]) -> None:
    raise RAISED[name]


@post("/api/v1/things", request_max_body_size=300)
async def make(data: JSONBody[Thing]) -> str:
    return data.kind


@pytest.fixture
def client() -> httpx.AsyncClient:
    load_catalogues([HERE / "locale"])
    app = Litestar(
        [raise_it, make],
        exception_handlers=exception_handlers(),
        template_config=template_config([HERE / "templates"], Assets([HERE / "static"])),
        logging_config=None,
        openapi_config=None,
    )
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(cast("Any", app)), base_url="http://test"
    )


async def test_a_refusal_says_its_code_and_facts_in_both_languages(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/api/v1/raise/refused", headers={"Accept-Language": "en"})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["code"], body["place_id"], body["status"]) == ("already_there", 7, 409)
    assert (
        body["detail"] == "This conflicts with what is on record. Reload to see how things stand."
    )
    assert body["detail_other"] == "与已有记录冲突。请刷新查看最新情况。"


async def test_times_in_a_sentence_are_local_and_the_wait_is_a_header(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/api/v1/raise/locked")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "900"
    assert "4月12日 21:00" in answer.json()["detail"]
    assert answer.json()["until"] == "2022-04-12T13:00:00Z"


@pytest.mark.parametrize("name", ["gone", "slow", "cancelled", "closed"])
async def test_trouble_with_the_database_asks_to_try_again(
    client: httpx.AsyncClient, name: str
) -> None:
    answer = await client.get(f"/api/v1/raise/{name}")
    assert (answer.status_code, answer.json()["code"]) == (503, "try_again")
    assert answer.headers["retry-after"] == "1"


async def test_a_service_that_is_away_says_when_to_come_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/raise/no_pool")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("name", ["bug", "our_argument"])
async def test_a_mistake_of_ours_is_logged_by_number_and_shows_nothing(
    client: httpx.AsyncClient, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = await client.get(f"/api/v1/raise/{name}")
    body = answer.json()
    assert (answer.status_code, body["code"]) == (500, "internal")
    assert body["request_id"] in caplog.text
    assert type(RAISED[name]).__name__ in caplog.text
    assert "410221199001011234" not in answer.text + caplog.text


@pytest.mark.parametrize("name", ["leaky", "row"])
async def test_an_error_never_repeats_an_id_or_a_phone(
    client: httpx.AsyncClient, name: str
) -> None:
    answer = await client.get(f"/api/v1/raise/{name}")
    assert answer.status_code in {400, 404}
    assert "410221199001011234" not in answer.text
    assert "13812345678" not in answer.text


@pytest.mark.parametrize(
    ("sent", "path", "message"),
    [
        ({"kind": "13812345678", "phone": "13812345678"}, "kind", "one of the choices"),
        ({"kind": "a", "phone": "138123456789"}, "phone", "^1[0-9]{10}$"),
        ({"kind": "a", "phone": "13812345678", "count": "13800000000x"}, "count", "`int`"),
        ({"kind": "a"}, "phone", "required"),
        ({"kind": "a", "phone": "13812345678", "13812345678": 1}, "?", "no such field"),
    ],
)
async def test_a_wrong_field_is_named_with_what_is_expected_and_not_with_what_came(
    client: httpx.AsyncClient, sent: dict[str, Any], path: str, message: str
) -> None:
    answer = await client.post("/api/v1/things", json=sent, headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    (error,) = answer.json()["errors"]
    assert error["path"] == path
    assert message in error["message"]
    assert "1381234567" not in answer.text
    assert "13800000000" not in answer.text


def test_a_path_leads_into_lists() -> None:
    found = read_field_error("Expected `int`, got `str` - at `$.scans[0].sequence`")
    assert (found.path, found.expected) == ("scans[0].sequence", "`int`")


async def test_a_body_that_is_no_json_is_malformed_and_too_much_is_too_large(
    client: httpx.AsyncClient,
) -> None:
    broken = await client.post("/api/v1/things", content=b'{"phone": 13812345678 x')
    assert (broken.status_code, broken.json()["code"]) == (400, "malformed")
    assert "13812345678" not in broken.text
    large = await client.post("/api/v1/things", content=b" " * 301)
    assert (large.status_code, large.json()["code"]) == (413, "too_large")


async def test_an_unknown_address_and_a_wrong_method_have_their_own_answers(
    client: httpx.AsyncClient,
) -> None:
    nowhere = await client.get("/api/v1/nowhere")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "not_found")
    wrong = await client.delete("/api/v1/things")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "wrong_method")
    assert "POST" in wrong.headers["allow"]


async def test_a_reader_gets_a_page_and_a_program_gets_json(client: httpx.AsyncClient) -> None:
    page = await client.get("/raise/refused", headers={"Accept": "text/html", "Cookie": "lang=en"})
    assert page.headers["content-type"].startswith("text/html")
    assert "This conflicts with what is on record" in page.text
    assert "与已有记录冲突" in page.text
    assert '<html lang="en"' in page.text
    program = await client.get("/raise/refused", headers={"Accept": "application/json"})
    assert program.headers["content-type"] == "application/problem+json"


async def test_a_page_that_needs_a_log_in_leads_there_and_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/raise/log_in?day=2", headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2Fraise%2Flog_in%3Fday%3D2"
    fragment = await client.get("/raise/log_in", headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment.headers["hx-redirect"]) == (401, "/login")
    call = await client.get("/api/v1/raise/log_in")
    assert (call.status_code, call.headers["www-authenticate"]) == (401, "Bearer")


async def test_the_sentence_survives_a_missing_template() -> None:
    load_catalogues([HERE / "locale"])
    app = Litestar([raise_it], exception_handlers=exception_handlers(), openapi_config=None)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(cast("Any", app)), base_url="http://test"
    ) as reader:
        answer = await reader.get("/raise/refused")
    assert answer.status_code == 409
    assert "与已有记录冲突" in answer.text


def test_every_kind_of_refusal_has_its_status() -> None:
    kinds = [Refused, *Refused.__subclasses__()]
    assert {kind.kind for kind in kinds} <= STATUS_OF.keys()


async def test_what_the_end_of_a_request_wraps_is_looked_into() -> None:
    lost = asyncpg.ConnectionDoesNotExistError("gone")
    wrapped = ExceptionGroup("cleanup", [ExceptionGroup("inner", [lost])])
    assert out_of_group(wrapped) is lost
    assert classify(out_of_group(wrapped)).status == 503
