"""Cases, problems, sweeps and flags: once, by the right officers, and read off the clock."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from alerts.supervision_case_list import case_of, marks_of
from alerts.supervision_cases import StepSaid, open_case, take_step
from alerts.supervision_flags import flags, raise_flags
from alerts.supervision_problem_list import Sought, problem_of, problems, told_of_problem
from alerts.supervision_problems import NewProblem, ProblemAct, act_on_problem, open_problem
from kernel.auth import Actor
from kernel.db import Connection, prepare
from kernel.errors import Conflict, Forbidden, NotFound, Refused, Unprocessable
from registry.stepladders import Mark
from tests.alerts.supervised import (
    HENAN,
    NOON,
    a_shop,
    begin,
    go,
    officer,
)

DAY = timedelta(days=1)
ANNA, BERT = officer("inspector"), officer("inspector")


async def found(conn: Connection, due_id: int, finding: str = "not_visible", at=NOON):
    said = NewProblem(id=uuid4(), due_id=due_id, finding=finding)
    return (await open_problem(conn, HENAN, said, ANNA, at)).problem_id


async def act(conn: Connection, problem_id, what: str, who: Actor, at=NOON, **said):
    given: dict[str, Any] = {"evidence": "照片", "note": "看过"} | said
    asked = ProblemAct(id=given.pop("id", uuid4()), act=what, **given)
    return await act_on_problem(conn, problem_id, asked, who, at)


async def test_a_case_from_warning_to_removal_and_each_step_once(conn: Connection):
    due = await a_shop(conn)
    case_id = (await begin(conn, due, "mend", ANNA, NOON, days=3)).case_id
    with pytest.raises(Conflict) as refused:
        await begin(conn, due, "mend", BERT, NOON, days=3)
    assert refused.value.code == "case_open"
    said = StepSaid(id=uuid4(), step="notice", reason="逾期未改", evidence="照片", days=7)
    late = NOON + 4 * DAY
    first = await take_step(conn, HENAN, case_id, said, ANNA, late)
    again = await take_step(conn, HENAN, case_id, said, ANNA, late + DAY)
    assert (first.result, again.result) == ("recorded", "repeated")
    assert await marks_of(conn, [due]) == {due: [Mark.MEND_NOTICE]}
    with pytest.raises(Conflict) as taken_id:
        other = StepSaid(id=said.id, step="interview", evidence="记录")
        await take_step(conn, HENAN, case_id, other, ANNA, late)
    assert taken_id.value.code == "step_id_taken"
    for step, who, more in (
        ("interview", ANNA, {}),
        ("test", ANNA, {"passed": True}),
        ("mended", ANNA, {}),
        ("removed", BERT, {}),
    ):
        await go(conn, case_id, step, who, late + DAY, **more)
    assert await marks_of(conn, [due]) == {}
    case = await case_of(conn, HENAN, case_id, None)
    row = await conn.fetchrow(
        "SELECT step, mark, ended_at FROM alerts.oversight WHERE id = $1", case_id
    )
    assert row is not None
    assert tuple(row) == (case.standing.step, "", late + DAY)
    # The second time the notice does not wait for a deadline.
    second = (await begin(conn, due, "mend", ANNA, late + 2 * DAY, days=3)).case_id
    await go(conn, second, "notice", ANNA, late + 2 * DAY, days=3)


async def test_a_step_against_its_conditions_is_refused_and_changes_nothing(conn: Connection):
    due = await a_shop(conn)
    case_id = (await begin(conn, due, "mend", ANNA, NOON, days=3)).case_id
    for step, who, more in (
        ("interview", ANNA, {}),
        ("removed", BERT, {}),
        ("warn", ANNA, {"days": 3}),
        ("mended", officer("firm"), {}),
        ("mended", ANNA, {"evidence": " "}),
        ("nothing", ANNA, {}),
    ):
        with pytest.raises(Refused):
            await go(conn, case_id, step, who, NOON, **more)
    assert len((await case_of(conn, HENAN, case_id, None)).acts) == 1
    with pytest.raises(Unprocessable):
        await open_case(conn, HENAN, due, "none", StepSaid(id=uuid4(), step=""), ANNA, NOON)


async def test_a_missed_check_is_flagged_off_the_clock_and_told_once(conn: Connection):
    due = await a_shop(conn)
    hung = await begin(conn, due, "plaque", ANNA, NOON, ground="relapsed")
    # The day it was put up asks for no check, nor does the next one before its hour (18:00).
    assert await flags(conn, HENAN, NOON + DAY) == []
    evening = NOON + DAY + timedelta(hours=7)
    assert [(f.kind, f.days) for f in await flags(conn, HENAN, evening)] == [("check_missed", 1)]
    assert await raise_flags(conn, HENAN, evening) == 1
    assert await raise_flags(conn, HENAN, evening + timedelta(hours=1)) == 0
    assert (
        await conn.fetchval("SELECT count(*) FROM kernel.outbox WHERE kind = 'check_missed'") == 2
    )
    await go(conn, hung.case_id, "check", BERT, evening + timedelta(hours=1))
    assert await flags(conn, HENAN, evening + timedelta(hours=2)) == []
    later = await flags(conn, HENAN, evening + 3 * DAY)
    assert [(f.kind, f.days, f.street, f.trade) for f in later] == [
        ("check_missed", 3, "城关镇", "商务局")
    ]


async def test_a_look_back_is_flagged_and_if_it_fails_the_problems_are_open_again(
    conn: Connection,
):
    due = await a_shop(conn)
    hung = await begin(conn, due, "plaque", ANNA, NOON, ground="relapsed")
    problem = await found(conn, due)
    await act(conn, problem, "mend", ANNA, NOON + timedelta(hours=1))
    await act(conn, problem, "close", BERT, NOON + timedelta(hours=2))
    await go(conn, hung.case_id, "mended", ANNA, NOON + timedelta(hours=3))
    look_back = (NOON + 3 * DAY).date()
    await go(conn, hung.case_id, "removed", BERT, NOON + timedelta(hours=4), look_back=look_back)
    assert await flags(conn, HENAN, NOON + DAY) == []
    due_flags = await flags(conn, HENAN, NOON + 4 * DAY)
    assert [(f.kind, f.days) for f in due_flags] == [("look_back_due", 1)]
    await go(conn, hung.case_id, "look_back", ANNA, NOON + 4 * DAY, passed=False)
    assert await marks_of(conn, [due]) == {due: [Mark.BLACK_PLAQUE]}
    again = await problem_of(conn, problem, None, NOON + 4 * DAY)
    assert (again.state, again.times_reopened) == ("open", 1)
    assert [told.act for told in await told_of_problem(conn, problem)] == [
        "open", "mend", "close", "reopen",
    ]  # fmt: skip


async def test_a_problem_is_closed_by_another_officer_with_evidence(conn: Connection):
    due = await a_shop(conn)
    problem = await found(conn, due)
    with pytest.raises(Conflict) as early:
        await act(conn, problem, "close", BERT)
    assert early.value.code == "problem_not_mended"
    with pytest.raises(Unprocessable):
        await act(conn, problem, "mend", ANNA, evidence="")
    await act(conn, problem, "mend", ANNA)
    with pytest.raises(Conflict) as own:
        await act(conn, problem, "close", ANNA)
    assert own.value.code == "problem_needs_another"
    with pytest.raises(Forbidden):
        await act(conn, problem, "close", officer("grid"))
    await act(conn, problem, "send_back", BERT, note="没有张贴")
    await act(conn, problem, "mend", ANNA)
    event = uuid4()
    closed = await act(conn, problem, "close", BERT, id=event)
    assert (closed.result, closed.state) == ("recorded", "closed")
    assert (await act(conn, problem, "close", BERT, id=event)).result == "repeated"


async def test_one_finding_at_one_place_is_one_problem(conn: Connection):
    due = await a_shop(conn)
    first = await found(conn, due)
    assert await found(conn, due) == first
    assert await found(conn, due, "inaccurate") != first
    row = (await problems(conn, Sought(due_id=due), NOON))[0]
    assert (row.street, row.trade) == ("城关镇", "商务局")
    late = await problems(conn, Sought(late=True), NOON + 2 * DAY)
    assert [each.id for each in late] == [first]


async def close_twice(dsn: str) -> list[str]:
    """Two inspectors, each on a connection of their own."""
    conn = await asyncpg.connect(dsn)
    await prepare(conn)
    problem = await found(conn, await a_shop(conn))
    await act(conn, problem, "mend", officer("inspector"))

    async def close(who: Actor) -> str:
        own = await asyncpg.connect(dsn)
        await prepare(own)
        try:
            async with own.transaction():
                return (await act(own, problem, "close", who)).result
        except Conflict as refused:
            return refused.code if "by" in refused.facts else "not told by whom"
        finally:
            await own.close()

    results = await asyncio.gather(*[close(who) for who in (ANNA, BERT)])
    assert await conn.fetchval("SELECT count(*) FROM alerts.problem_act WHERE act = 'close'") == 1
    await conn.close()
    return sorted(results)


async def test_of_two_who_close_one_problem_one_wins_and_the_other_is_told(cloned: str):
    assert await close_twice(cloned) == ["problem_closed", "recorded"]


async def test_an_officer_of_another_district_finds_nothing(conn: Connection):
    due = await a_shop(conn)
    problem = await found(conn, due)
    hung = await begin(conn, due, "plaque", ANNA, NOON, ground="relapsed")
    far = officer("inspector", district="410222")
    for attempt in (
        act(conn, problem, "mend", far),
        go(conn, hung.case_id, "check", far, NOON),
        begin(conn, due, "mend", far, NOON, days=3),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert await problems(conn, Sought(district="410222"), NOON) == []
    assert await flags(conn, HENAN, NOON + 3 * DAY, "410222") == []
