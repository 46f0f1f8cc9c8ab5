"""What supervision does by the clock, and what it forgets in the end."""

from datetime import timedelta
from uuid import uuid4

from alerts.supervision_clock import look_after
from alerts.supervision_erasing import ERASERS
from alerts.supervision_problems import NewProblem, ProblemAct, act_on_problem, open_problem
from kernel.db import Connection
from kernel.retention import Cut
from registry.rules import read_scenario, shipped
from registry.scenario import install
from registry.world import WorldCache
from tests.alerts.supervised import HENAN, NOON, a_shop, begin, go, officer

DAY = timedelta(days=1)


async def test_the_clock_tells_and_freezes_once_and_nothing_before_there_are_rules(
    conn: Connection,
):
    due = await a_shop(conn)
    await look_after(conn, WorldCache(), NOON + 2 * DAY)
    await install(conn, shipped()[0], NOON - DAY, NOON - DAY)
    await begin(conn, due, "plaque", officer("inspector"), NOON, ground="relapsed")
    for _ in range(3):
        await look_after(conn, WorldCache(), NOON + 2 * DAY)
    assert await conn.fetchval("SELECT count(*) FROM alerts.supervision_flag") == 1
    assert await conn.fetchval("SELECT count(*) FROM alerts.supervision_day") == 2
    assert read_scenario(shipped()[0]).supervision == HENAN


async def test_what_is_over_is_forgotten_and_what_is_open_stays(conn: Connection):
    due = await a_shop(conn)
    anna, bert = officer("inspector"), officer("inspector")
    problems = [
        (
            await open_problem(
                conn, HENAN, NewProblem(id=uuid4(), due_id=due, finding=finding), anna, NOON
            )
        ).problem_id
        for finding in ("not_visible", "inaccurate")
    ]
    for act, who in (("mend", anna), ("close", bert)):
        said = ProblemAct(id=uuid4(), act=act, evidence="照片")
        await act_on_problem(conn, problems[0], said, who, NOON)
    praised = await begin(conn, due, "praise", anna, NOON)
    await go(conn, praised.case_id, "withdrawn", anna, NOON)
    await begin(conn, due, "plaque", anna, NOON, ground="relapsed")
    eraser = ERASERS[0]
    assert await eraser.due(conn, Cut(now=NOON, before=NOON), None) == []
    cut = Cut(now=NOON + DAY, before=NOON + DAY)
    keys = await eraser.due(conn, cut, None)
    assert sorted(what for what, _ in keys) == ["case", "problem"]
    await conn.execute("SET LOCAL checkpoint.retention = 'on'")
    await eraser.erase(conn, keys, NOON + DAY)
    await conn.execute("SET LOCAL checkpoint.retention = 'off'")
    assert await conn.fetchval("SELECT id FROM alerts.problem") == problems[1]
    assert await conn.fetchval("SELECT ladder FROM alerts.oversight") == "plaque"
    assert await eraser.due(conn, cut, None) == []
