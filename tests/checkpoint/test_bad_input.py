"""Whatever is sent, the answer says what is wrong in both languages, and nothing is lost by it."""

import pytest

from registry.accounts import create_device, issue_token, revoke_device
from tests.checkpoint.told import a_body, events_kept, problem, refused
from tests.journeys.day import Day, an_account, bearer

JSON = {"content-type": "application/json"}

BROKEN = (
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"{} trailing",
    b'{"scans": 5}',
    b'{"scans": [], "more": 1}',
    b"\xff\xfe\x00",
    b"[" * 2000,
    '{"scans": ["全角"'.encode(),
    b'{"id": "\\ud800"}',
)


@pytest.mark.parametrize("content", BROKEN)
@pytest.mark.parametrize("path", ["/api/v1/scans", "/api/v1/movements", "/api/v1/events"])
async def test_a_body_that_is_no_such_json_is_malformed(day: Day, path: str, content: bytes):
    answer = await day.client.post(path, content=content, headers=day.lane | JSON)
    problem(answer, 400, "malformed")
    assert await events_kept(day.conn) == 0


async def test_an_unknown_field_is_named(day: Day):
    answer = await day.client.post("/api/v1/movements", json=a_body(day, colour="red"))
    body = problem(answer, 400, "malformed")
    assert [error["path"] for error in body["errors"]] == ["colour"]


WRONG_TYPES = {
    "stops": "first",
    "entry_place_id": "north",
    "declared": {"symptom": "no"},
    "crew": [{"name": 5}],
    "plate": 12345,
    "expected_entry_at": "tomorrow",
    "id": "not-an-id",
}


@pytest.mark.parametrize("field", WRONG_TYPES)
async def test_a_field_of_the_wrong_type_is_named(day: Day, field: str):
    answer = await day.client.post(
        "/api/v1/movements", json=a_body(day, **{field: WRONG_TYPES[field]})
    )
    body = problem(answer, 400, "malformed")
    assert body["errors"][0]["path"].startswith(field)


@pytest.mark.parametrize("path", ["/api/v1/scans", "/api/v1/movements"])
async def test_ten_megabytes_are_too_large(day: Day, path: str):
    content = b'{"origin": "' + b"x" * 10 * 1024 * 1024 + b'"}'
    answer = await day.client.post(path, content=content, headers=day.lane | JSON)
    problem(answer, 413, "too_large")


HUGE = 2**63
ODD_NUMBERS = (0, -1, HUGE - 1, HUGE, 2**70)


@pytest.mark.parametrize("number", ODD_NUMBERS)
async def test_a_movement_with_any_number_is_unknown_and_no_accident(day: Day, number: int):
    duty = await an_account(day.conn, "duty", day.clock.at)
    for path in (f"/api/v1/movements/{number}", f"/api/v1/movements/{number}/history"):
        answer = await day.client.get(path, headers=duty)
        assert answer.status_code in {400, 404}, answer.text
        problem(answer, answer.status_code, answer.json()["code"])


QUERIES = (
    {"cursor": "x"},
    {"cursor": str(HUGE)},
    {"place": str(HUGE)},
    {"limit": "0"},
    {"limit": "100000"},
    {"since": "yesterday"},
    {"plate": "\0"},
    {"state": "\0"},
)


@pytest.mark.parametrize("query", QUERIES)
async def test_an_odd_question_for_loops_is_answered_or_refused(day: Day, query: dict[str, str]):
    duty = await an_account(day.conn, "duty", day.clock.at)
    answer = await day.client.get("/api/v1/loops", params=query, headers=duty)
    assert answer.status_code in {200, 400}, answer.text
    if answer.status_code == 400:
        problem(answer, 400, answer.json()["code"])


@pytest.mark.parametrize("token", ["", "nobody", "é" * 10, "x" * 5000])
async def test_an_unknown_token_opens_nothing(day: Day, token: str):
    headers = {b"authorization": f"Bearer {token}".encode()}
    scan = day.entry(plate="豫B12345")
    answer = await day.client.post("/api/v1/scans", json={"scans": [scan]}, headers=headers)
    problem(answer, 401, "token_unknown")
    assert await events_kept(day.conn) == 0


async def test_without_a_token_the_answer_says_to_log_in(day: Day):
    answer = await day.client.post("/api/v1/scans", json={"scans": []})
    problem(answer, 401, "log_in_first")


async def test_a_withdrawn_device_opens_nothing(day: Day):
    now = day.clock.at
    device = await create_device(
        day.conn, name="old", place_id=day.city.north, role="lane", now=now
    )
    headers = bearer(await issue_token(day.conn, device_id=device, label="old", now=now))
    await day.report()
    await revoke_device(day.conn, device, now)
    answer = await day.client.post("/api/v1/scans", json={"scans": [day.entry()]}, headers=headers)
    problem(answer, 401, "token_unknown")
    assert await events_kept(day.conn) == 1


async def test_a_firms_device_cannot_do_the_lanes_work(day: Day):
    await day.report()
    result = (await day.send(day.firm, day.entry()))[0]
    refused(result, "not_your_place")


ALERTS = (
    {"cursor": f"2022-05-01T12:00:00Z~{2**64}"},
    {"movement_id": str(2**64)},
)


@pytest.mark.parametrize("query", ALERTS)
async def test_an_odd_question_for_alerts_is_malformed(day: Day, query: dict[str, str]):
    duty = await an_account(day.conn, "duty", day.clock.at)
    answer = await day.client.get("/api/v1/alerts", params=query, headers=duty)
    problem(answer, 400, "malformed")
    feed = await day.client.get("/api/v1/feed", params={"after": 2**64}, headers=duty)
    problem(feed, 400, "malformed")
