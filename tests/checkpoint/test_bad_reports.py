"""A report with something wrong in it is a draft that says so; what was right in it is kept."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.checkpoint.told import a_body, events_kept, problem
from tests.city import IDS
from tests.journeys.day import Day

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
