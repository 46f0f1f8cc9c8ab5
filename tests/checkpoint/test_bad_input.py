"""Whatever is sent, the answer says what is wrong in both languages, and nothing is lost by it."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from closedloop.reporting import open_movement
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from registry.accounts import create_device, issue_token, revoke_device
from registry.passes import pass_number
from tests.city import IDS, City, a_submission
from tests.journeys.day import Day, Headers, an_account, bearer

JSON = {"content-type": "application/json"}
CSV = {"content-type": "text/csv"}
HEADER = "证件号,结果,采样时间\n"


@pytest.fixture
def day(client: httpx.AsyncClient, conn: Connection, city: City, clock: SetClock) -> Day:
    return Day(client, conn, city, clock)


@pytest.fixture
async def registrar(conn: Connection, clock: SetClock) -> Headers:
    return await an_account(conn, "registrar", clock.at)


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document, if it is whole."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["detail"]
    assert body["detail_other"]
    assert body["detail"] != body["detail_other"]
    assert "error." not in body["detail"] + body["detail_other"]
    return body


def refused(result: dict[str, Any], code: str) -> None:
    assert (result["status"], result["code"]) == ("refused", code)
    assert result["detail"]
    assert "error." not in result["detail"]


def a_body(day: Day, **changes: Any) -> dict[str, Any]:
    said = msgspec.to_builtins(a_submission(day.city, day.clock.at))
    return said | {"id": str(uuid7(day.clock.at))} | changes


async def events_kept(conn: Connection) -> int:
    return await conn.fetchval("SELECT count(*) FROM registry.event")


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


async def test_one_bad_scan_never_spoils_the_others(day: Day):
    number = (await day.report())["pass_number"]
    day.after(55)
    good = day.entry()
    foreign = pass_number(1101_000_000_001, day.city.office.vault)
    bad: tuple[tuple[Any, str], ...] = (
        (day.entry(override={"reason": "because"}), "override_not_allowed"),
        (5, "scan_malformed"),
        (None, "scan_malformed"),
        ([], "scan_malformed"),
        ({"id": "x"}, "scan_malformed"),
        (day.entry(id="x"), "scan_malformed"),
        (day.entry(colour="red"), "scan_malformed"),
        (day.entry(occurred_at="noon"), "scan_malformed"),
        (day.entry(sequence="first"), "scan_malformed"),
        (day.entry(place_id=2**70), "scan_malformed"),
        (day.scan("visit", day.city.north), "unknown_kind"),
        (day.entry(place_id=999_999), "unknown_place"),
        (day.entry(place_id=HUGE - 1), "unknown_place"),
        (day.entry(place_id=day.city.south), "not_your_place"),
        (day.scan("arrival", day.city.north), "wrong_kind_of_place"),
        (day.entry(pass_number="", plate=""), "pass_or_plate_needed"),
        (day.entry(pass_number=foreign), "pass_of_other_city"),
        (day.entry(pass_number=number[:-2]), "pass_mistyped"),
        (day.entry(pass_number="https://example.org/"), "not_a_pass"),
        (day.entry(pass_number="", plate="HELLO"), "plate_malformed"),
        (day.entry(pass_number="", plate="豫B1\x00345"), "scan_malformed"),
        (day.entry(gate="\0"), "scan_malformed"),
        (day.entry(card_shown="\0"), "scan_malformed"),
        (day.entry(gate="1" * 5000), "scan_malformed"),
        (day.entry(sequence=2**63), "scan_malformed"),
        (day.entry(clock={"monotonic": 2**64}), "scan_malformed"),
        (day.entry(pass_number="\0"), "not_a_pass"),
        (day.entry(occurred_at="2022-05-01T12:55:00"), "time_without_zone"),
        (day.entry(occurred_at="2023-05-01T12:55:00Z"), "occurred_in_future"),
        (day.entry(occurred_at="9999-12-31T23:59:59Z"), "occurred_in_future"),
        (day.entry(clock={"offset": 10**15}), "occurred_in_future"),
        (day.entry(clock={"offset": 2**62}), "occurred_in_future"),
    )
    items = [item for item, _ in bad]
    results = await day.send(day.lane, *items[:13], good, *items[13:])
    assert (results[13]["status"], results[13]["card"]) == ("recorded", "green")
    told = [*results[:13], *results[14:]]
    for (item, code), result in zip(bad, told, strict=True):
        refused(result, code)
        sent = item.get("id") if isinstance(item, dict) else None
        assert result["id"] == sent
    assert await events_kept(day.conn) == 2


async def test_a_scan_of_long_ago_is_kept_and_marked(day: Day):
    await day.report()
    day.after(55)
    for said in ("1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"):
        scan = day.entry(offline=True, occurred_at=said)
        result = (await day.send(day.lane, scan))[0]
        assert result["status"] == "recorded", result
        assert "stale_upload" in result["movement"]["flags"]


async def test_an_hour_that_no_calendar_has_is_refused_and_not_an_accident(day: Day):
    await day.report()
    scan = day.entry(offline=True, occurred_at="0001-01-01T00:00:00Z", clock={"offset": -1000})
    result = (await day.send(day.lane, scan))[0]
    assert result["status"] in {"recorded", "refused"}
    late = day.entry(offline=True, occurred_at="9999-12-31T23:59:59Z", clock={"offset": 5000})
    refused((await day.send(day.lane, late))[0], "occurred_in_future")


async def test_too_many_scans_at_once_are_refused_as_a_whole(day: Day):
    answer = await day.client.post("/api/v1/scans", json={"scans": [{}] * 501}, headers=day.lane)
    problem(answer, 400, "too_many_scans")


PLATES = ("豫b12345", "豫Ｂ１２３４５", "豫Ｂ12３45", " 豫B·123 45 ", "豫B-12345", "豫ｂ１２３４5")


@pytest.mark.parametrize("plate", PLATES)
async def test_a_plate_is_read_as_people_write_it(day: Day, plate: str):
    reported = await day.report(plate=plate)
    assert (reported["state"], reported["plate"]) == ("issued", "豫B12345")
    day.after(55)
    by_plate = day.entry(plate=plate, pass_number="", plate_seen=plate)
    result = (await day.send(day.lane, by_plate))[0]
    assert (result["card"], result["movement"]["id"]) == ("green", reported["id"])


DAYS = (
    (timedelta(days=-365), "entry_time_past"),
    (timedelta(days=-1), "entry_time_past"),
    (timedelta(hours=-7), "entry_time_past"),
    (timedelta(days=8), "entry_time_too_far"),
    (timedelta(days=365), "entry_time_too_far"),
)


@pytest.mark.parametrize(("ahead", "code"), DAYS)
async def test_a_date_out_of_reach_keeps_the_report_a_draft(day: Day, ahead: timedelta, code: str):
    entry_at = day.clock.at + ahead
    reported = await day.report(
        expected_entry_at=entry_at, expected_exit_at=entry_at + timedelta(hours=8)
    )
    assert reported["state"] in {"draft", "lapsed"}
    assert reported["pass_number"] is None
    failure = next(each for each in reported["failures"] if each["code"] == code)
    assert failure["blocks"]
    assert failure["field"] == "expected_entry_at"
    assert "error." not in failure["sentence"]


FARTHEST = ("0001-01-01T00:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")


@pytest.mark.parametrize("hour", [*FARTHEST, "9999-12-31T23:59:59"])
@pytest.mark.parametrize("field", ["expected_entry_at", "expected_exit_at"])
async def test_the_ends_of_the_calendar_are_no_accident(day: Day, field: str, hour: str):
    answer = await day.client.post("/api/v1/movements", json=a_body(day, **{field: hour}))
    assert answer.status_code == 201, answer.text
    if field == "expected_entry_at" or hour < "2":
        assert answer.json()["state"] in {"draft", "lapsed"}
        assert answer.json()["pass_number"] is None


TEXTS = {
    "name": "\0李小龙",
    "origin": "\0",
    "goods": "\0",
    "phone": "１３８１２３４５６７８",
    "trailer_plate": "\ud7ff",
    "id_type": "library_card",
}


@pytest.mark.parametrize("field", TEXTS)
async def test_odd_text_in_a_report_is_kept_or_named_and_no_accident(day: Day, field: str):
    answer = await day.client.post("/api/v1/movements", json=a_body(day, **{field: TEXTS[field]}))
    assert answer.status_code in {201, 400, 422}, answer.text
    if answer.status_code != 201:
        problem(answer, answer.status_code, answer.json()["code"])


async def test_a_draft_loses_nothing_that_was_right(day: Day):
    reported = await day.report(id_number=IDS[0][:-1] + "1", plate="HELLO", stops=())
    assert reported["state"] == "draft"
    codes = {each["code"] for each in reported["failures"] if each["blocks"]}
    assert {"id_check_digit", "plate_malformed", "destination_missing"} <= codes
    mended = await day.client.patch(
        f"/api/v1/movements/{reported['id']}",
        json={
            "id": str(uuid4()),
            "changes": {"id_number": IDS[0], "plate": "豫B12345", "stops": [day.city.mill]},
        },
        headers={"x-view-key": reported["view_key"]},
    )
    assert mended.status_code == 200, mended.text
    assert (mended.json()["state"], mended.json()["stops"]) == ("issued", [day.city.mill])


AMENDMENTS = ({"colour": "red"}, {"plate": 5}, {"stops": "x"}, {"expected_entry_at": "soon"})


@pytest.mark.parametrize("changes", AMENDMENTS)
async def test_an_amendment_that_cannot_be_read_changes_nothing(day: Day, changes: Any):
    reported = await day.report()
    answer = await day.client.patch(
        f"/api/v1/movements/{reported['id']}",
        json={"id": str(uuid4()), "changes": changes},
        headers={"x-view-key": reported["view_key"]},
    )
    problem(answer, 400, "malformed")
    assert await events_kept(day.conn) == 1


ACTS = (
    ({"kind": "dance"}, 422, "unknown_kind"),
    ({"kind": "confirm", "occurred_at": "2022-05-01T12:00:00"}, 422, "time_without_zone"),
    ({"kind": "delay"}, 422, "minutes_out_of_range"),
    ({"kind": "delay", "minutes": 10**9}, 422, "minutes_out_of_range"),
    ({"kind": "delay", "minutes": "ten"}, 400, "malformed"),
    ({"kind": "discrepancy"}, 422, "reason_needed"),
    ({"kind": "divert", "place_id": 2**60}, 422, "destination_unknown"),
    ({"kind": "divert", "place_id": 2**70}, 400, "malformed"),
    ({"kind": "discrepancy", "reason": "\0"}, 400, "malformed"),
    ({"kind": "confirm", "colour": "red"}, 400, "malformed"),
)


@pytest.mark.parametrize(("act", "status", "code"), ACTS)
async def test_an_act_that_makes_no_sense_is_refused(
    day: Day, act: dict[str, Any], status: int, code: str
):
    await day.report()
    day.after(55)
    await day.enters()
    day.after(60)
    answer = await day.client.post(
        f"/api/v1/movements/{day.movement['id']}/events",
        json={"id": str(uuid7(day.clock.at))} | act,
        headers=day.firm,
    )
    problem(answer, status, code)
    assert await events_kept(day.conn) == 2


async def test_one_bad_act_never_spoils_the_others(day: Day):
    movement_id = (await day.report())["id"]
    day.after(55)
    await day.enters()
    day.after(60)

    def act(**said: Any) -> dict[str, Any]:
        return {"id": str(uuid7(day.clock.at)), "movement_id": movement_id} | said

    bad: tuple[tuple[Any, str], ...] = (
        (5, "malformed"),
        (act(kind="dance"), "unknown_kind"),
        (act(kind="delay", minutes="ten"), "malformed"),
        (act(kind="delay", minutes=600), "minutes_out_of_range"),
        (act(kind="delay", movement_id=4102_000_000_000), "unknown_movement"),
        (act(kind="delay", movement_id=2**70), "unknown_movement"),
    )
    good = act(kind="delay", minutes=30)
    answer = await day.client.post(
        "/api/v1/events",
        json={"events": [*(item for item, _ in bad), good]},
        headers=day.firm,
    )
    assert answer.status_code == 200, answer.text
    *told, last = answer.json()["results"]
    assert (last["status"], last["movement"]["state"]) == ("recorded", "released")
    for (item, code), result in zip(bad, told, strict=True):
        refused(result, code)
        assert result["id"] == (item["id"] if isinstance(item, dict) else None)
    assert await events_kept(day.conn) == 3


async def test_a_refused_scan_of_a_stranger_leaves_nothing_and_may_come_again(day: Day):
    scan = day.arrival(plate="鲁H8K216")
    early = scan | {"occurred_at": "2023-05-01T12:00:00Z"}
    refused((await day.send(day.firm, early))[0], "occurred_in_future")
    assert await day.conn.fetchval("SELECT count(*) FROM registry.movement") == 0
    assert (await day.send(day.firm, scan))[0]["status"] == "recorded"


async def test_a_scan_of_a_stranger_that_was_cut_short_may_come_again(day: Day):
    """The server fell after it had opened a movement and before it kept the scan."""
    scan = day.arrival(plate="鲁H8K216")
    opened = await open_movement(
        day.conn,
        day.city.office,
        scan_id=UUID(scan["id"]),
        plate="鲁H8K216",
        actor=day.city.gatekeeper,
        now=day.clock.at,
    )
    result = (await day.send(day.firm, scan))[0]
    assert (result["status"], result["movement"]["id"]) == ("recorded", opened)


ROW = f"{IDS[0]},negative,2022-05-01 08:00\n"


@pytest.mark.parametrize(
    "content",
    [
        (HEADER + ROW).encode("gbk"),
        (HEADER + ROW).encode("utf-8-sig"),
        (HEADER + ROW).replace("\n", "\r\n").encode(),
    ],
    ids=["gbk", "utf-8 with its mark", "lines of Windows"],
)
async def test_a_file_as_office_programs_write_it_is_read(
    day: Day, registrar: Headers, content: bytes
):
    answer = await import_file(day, registrar, content)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["accepted"], answer.json()["refused"]) == (1, 0)
    day.after(1)
    assert (await day.report(tested=False))["failures"] == []


FILES = (
    (ROW.encode(), "header_missing"),
    (b"", "header_missing"),
    (b"\n\n", "header_missing"),
    (b"PK\x03\x04 a spreadsheet", "header_missing"),
    ("证件号,结果\n".encode(), "column_missing"),
    ("证件号,结果,采样时间,身高\n".encode(), "unknown_column"),
    ("证件号,证件号,结果,采样时间\n".encode(), "column_twice"),
)


@pytest.mark.parametrize(("content", "code"), FILES)
async def test_a_file_without_its_heading_is_refused_as_a_whole(
    day: Day, registrar: Headers, content: bytes, code: str
):
    problem(await import_file(day, registrar, content), 400, code)


async def test_a_bad_row_never_spoils_the_others(day: Day, registrar: Headers):
    rows = (
        ROW,
        f"{IDS[0][:-1]}1,negative,2022-05-01 08:00\n",
        f"{IDS[1]},purple,2022-05-01 08:00\n",
        f"{IDS[1]},negative,2023-05-01 08:00\n",
        f"{IDS[1]},negative,soon\n",
        f"{IDS[1]},negative,9999-12-31 23:59\n",
        f'{IDS[1]},"negative,2022-05-01 08:00\n',
        f"{IDS[2]},negative,2022-05-01 09:00\n",
    )
    answer = await import_file(day, registrar, (HEADER + "".join(rows)).encode())
    assert answer.status_code == 200, answer.text
    told = {row["line"]: (row["status"], row["code"]) for row in answer.json()["rows"]}
    assert (told[2], told[9]) == (("accepted", ""), ("accepted", ""))
    assert [told[line][1] for line in (3, 4, 5, 6, 7, 8)] == [
        "id_check_digit",
        "value_unknown",
        "taken_at_future",
        "taken_at_malformed",
        "taken_at_future",
        "line_quotation",
    ]


async def import_file(day: Day, registrar: Headers, content: bytes) -> httpx.Response:
    return await day.client.post(
        "/api/v1/evidence/test",
        params={"source": "县医院"},
        content=content,
        headers=registrar | CSV,
    )
