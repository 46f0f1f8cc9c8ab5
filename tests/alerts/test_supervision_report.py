"""Figures against brute force, and a day's report that stays as it was sent up."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from alerts.supervision_figures import WHATS, Line, Which, figures, moment, rows_of
from alerts.supervision_problems import NewProblem, ProblemAct, act_on_problem, open_problem
from alerts.supervision_report import correct, freeze_yesterday, report_of
from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Unprocessable
from kernel.i18n import LOCAL_ZONE
from registry.coverage_acts import DueAct, act_on_due
from tests.alerts.supervised import (
    HENAN,
    LIST,
    NOON,
    a_place,
    a_shop,
    begin,
    districts,
    officer,
    take,
    visited,
)
from tests.city import City

DAY = timedelta(days=1)
TODAY = NOON.astimezone(LOCAL_ZONE).date()
DISTRICTS = {"410221": "杞县", "410222": "通许县"}


async def a_ledger(conn: Connection, seed: int, n: int = 60) -> list[dict[str, Any]]:
    """Places by chance, with codes, visits and scans by chance; what is true of each."""
    await districts(conn)
    dice, truth, lines = Random(seed), [], []
    for number in range(n):
        district = dice.choice(list(DISTRICTS))
        row: dict[str, Any] = {
            "name": f"店{number:03}", "district": district, "street": dice.choice(["甲镇", "乙镇"]),
            "trade": dice.choice(["商务局", "文旅局", ""]), "scans": [], "issued": None,
        }  # fmt: skip
        if dice.random() < 0.7:
            row["issued"] = NOON - dice.choice([1, 20]) * DAY
            place = await a_place(conn, row["name"], district=district, issued_at=row["issued"])
            for _ in range(dice.randint(0, 2)):
                at = NOON - timedelta(hours=dice.choice([1, 30, 24 * 6, 24 * 9, 24 * 18]))
                row["scans"].append(at)
                await visited(conn, place, at)
        truth.append(row)
        lines.append(f"{row['name']},,{DISTRICTS[district]},{row['street']},{row['trade']},")
    await take(conn, *lines)
    return truth


def counted(rows: list[dict[str, Any]]) -> dict[str, int]:
    """The same by hand, one place after the other."""
    midnight = datetime(2022, 5, 24, tzinfo=LOCAL_ZONE).astimezone(UTC)
    since = NOON - HENAN.idle_days * DAY
    found: dict[str, int] = {str(what): 0 for what in WHATS}
    for row in rows:
        last = max(row["scans"], default=None)
        found["due"] += 1
        found["missing" if row["issued"] is None else "set_up"] += 1
        if row["issued"] is None:
            continue
        found["in_use"] += last is not None and last >= since
        found["today"] += last is not None and last >= midnight
        found["idle"] += row["issued"] < since and (last is None or last < since)
    return found


def of(line: Line) -> dict[str, int]:
    return {what: getattr(line, what) for what in WHATS}


@pytest.mark.parametrize("seed", range(4))
async def test_figures_are_those_of_brute_force_and_lead_to_their_rows(conn: Connection, seed: int):
    truth = await a_ledger(conn, seed)
    at = moment(TODAY, NOON, HENAN.idle_days)
    lines = await figures(conn, at)
    assert of(lines[0]) == counted(truth)
    for line in lines[1:]:
        mine = [
            row
            for row in truth
            if (line.level == "trade" or row["district"] == line.district_code)
            and (line.level != "street" or row["street"] == line.street)
            and (line.level != "trade" or row["trade"] == line.trade)
        ]
        assert of(line) == counted(mine), line
        for what in WHATS:
            which = Which(
                what=what,
                district=line.district_code or None,
                street=line.street if line.level == "street" else None,
                trade=line.trade if line.level == "trade" else None,
            )
            rows = await rows_of(conn, at, which, limit=1000)
            assert len(rows) == getattr(line, what)
    assert sum(line.level == "street" for line in lines) == 4
    own = await figures(conn, at, "410221")
    assert of(own[0]) == counted([row for row in truth if row["district"] == "410221"])


async def test_a_page_of_rows_goes_on_where_the_last_one_ended(conn: Connection):
    await a_ledger(conn, 7, 25)
    at = moment(TODAY, NOON + DAY, HENAN.idle_days)
    seen: list[int] = []
    while rows := await rows_of(conn, at, Which(), after=seen[-1] if seen else 0, limit=10):
        seen += [row.id for row in rows]
    assert len(seen) == len(set(seen)) == 25


async def test_a_truck_that_was_scanned_counts_as_use(conn: Connection, city: City):
    at = NOON - timedelta(hours=1)
    await conn.execute(
        """
        INSERT INTO registry.event (movement_id, event_id, kind, occurred_at, received_at,
                                    place_id, actor, body)
        VALUES (4102000000001, $1, 'arrival', $2, $2, $3, 'x', '{}'),
               (4102000000001, $4, 'call', $2, $2, $5, 'x', '{}')
        """,
        uuid4(),
        at,
        city.mill,
        uuid4(),
        city.depot,
    )
    await conn.execute(
        "INSERT INTO registry.code VALUES ('0000000001', $1, '1', 'active', $3), "
        "('0000000002', $2, '1', 'active', $3)",
        city.mill,
        city.depot,
        NOON - 20 * DAY,
    )
    before = NOON - 2 * DAY
    listed = replace(LIST, as_of=before.date())
    await take(conn, "第一面粉厂,,杞县,,,", "城东仓库,,杞县,,,", now=before, said=listed)
    whole = (await figures(conn, moment(TODAY, NOON, 7)))[0]
    assert (whole.due, whole.set_up, whole.today, whole.idle) == (2, 2, 1, 1)


async def a_day(conn: Connection) -> int:
    """A shop with a problem that was found and struck off, and a plaque nobody looked after."""
    due = await a_shop(conn)
    anna, bert = officer("inspector"), officer("inspector")
    said = NewProblem(id=uuid4(), due_id=due, finding="not_visible")
    problem = (await open_problem(conn, HENAN, said, anna, NOON)).problem_id
    for act, who in (("mend", anna), ("close", bert)):
        asked = ProblemAct(id=uuid4(), act=act, evidence="照片")
        await act_on_problem(conn, problem, asked, who, NOON)
    await begin(conn, due, "plaque", anna, NOON - 2 * DAY, ground="relapsed")
    return due


async def test_a_day_that_is_over_is_frozen_and_corrected_only_by_a_version(conn: Connection):
    due = await a_day(conn)
    today = await report_of(conn, HENAN, TODAY, NOON + timedelta(hours=1), None)
    assert today.version == 0
    assert today.report.lines[0].due == 1
    tomorrow = NOON + DAY
    frozen = await report_of(conn, HENAN, TODAY, tomorrow, None)
    assert (frozen.version, frozen.report.lines[0].due) == (1, 1)
    assert frozen.report.done == {"problem_close": 1, "problem_mend": 1, "problem_open": 1}
    assert frozen.report.marks == {"black_plaque": 1}
    named = [(f.kind, f.days, f.street, f.trade) for f in frozen.report.named]
    assert named == [("check_missed", 2, "城关镇", "商务局")]
    # What comes later changes nothing of it, nor does a place that moves to another district.
    await take(conn, "新店,,杞县,城关镇,商务局,", now=tomorrow)
    moved = DueAct(id=uuid4(), act="move", reason="区划调整", district="410222")
    await act_on_due(conn, due, moved, officer("registrar"), tomorrow)
    again = await report_of(conn, HENAN, TODAY, tomorrow + DAY, None)
    assert again.report == frozen.report
    assert {line.district_code for line in again.report.lines} == {"", "410221"}
    with pytest.raises(Unprocessable):
        await correct(conn, HENAN, TODAY, " ", officer("duty"), tomorrow, None)
    number = await correct(conn, HENAN, TODAY, "漏报", officer("duty"), tomorrow, None)
    assert number == 2
    again = await correct(conn, HENAN, TODAY, "漏报", officer("duty"), tomorrow, None, 1)
    assert again == 2
    with pytest.raises(Conflict):
        await correct(conn, HENAN, TODAY, "别的", officer("duty"), tomorrow, None, 1)
    corrected = await report_of(conn, HENAN, TODAY, tomorrow, None)
    assert (corrected.version, corrected.reason, corrected.versions) == (2, "漏报", (1, 2))
    assert "410222" in {line.district_code for line in corrected.report.lines}
    first = await report_of(conn, HENAN, TODAY, tomorrow, None, 1)
    assert first.report == frozen.report
    for day in (TODAY + 9 * DAY, TODAY - 90 * DAY):
        with pytest.raises(NotFound):
            await report_of(conn, HENAN, day, tomorrow, None)


async def test_the_job_freezes_yesterday_once_for_the_city_and_each_district(conn: Connection):
    await a_day(conn)
    await take(conn, "远店,,通许县,,,")
    for _ in range(2):
        await freeze_yesterday(conn, HENAN, NOON + DAY)
    rows = await conn.fetch(
        "SELECT district_code, version FROM alerts.supervision_day ORDER BY district_code"
    )
    assert [tuple(row) for row in rows] == [("", 1), ("410221", 1), ("410222", 1)]
    own = await report_of(conn, HENAN, TODAY, NOON + DAY, "410222")
    assert own.report.lines[0].due == 1
    assert own.report.named == ()
