"""Street sweeps, joint enforcement, and what the loop proposes."""

from datetime import timedelta
from uuid import uuid4

import pytest

from alerts.joint_tasks import NewTask, ask_for_task, tasks, tell_result
from alerts.street_rounds import NewRound, find_round, make_round, next_stops, teams_of
from alerts.street_visits import Trial, VisitSaid, record_visits
from alerts.supervision_problem_list import problem_of
from alerts.supervision_proposals import accept, decline, proposals
from kernel.db import Connection
from kernel.errors import Conflict, Unprocessable
from registry.coverage_acts import DueAct, act_on_due
from registry.inspections import trials_of
from tests.alerts.supervised import HENAN, NOON, a_place, a_shop, districts, officer, take
from tests.city import City

DAY = timedelta(days=1)
ANNA, BERT = officer("inspector"), officer("inspector")


async def test_a_sweep_is_dealt_out_and_what_was_found_becomes_problems(conn: Connection):
    await districts(conn)
    await take(conn, *[f"店{n:02},,杞县,城关镇,商务局,北大街{n:02}号" for n in range(20)])
    await take(conn, "远店,,通许县,城关镇,商务局,一号")
    said = NewRound(id=uuid4(), name="北大街", district="410221", teams=9, street="城关镇")
    round_id = await make_round(conn, said, officer("grid"), NOON)
    assert await make_round(conn, said, officer("grid"), NOON) == round_id
    teams = await teams_of(conn, round_id)
    assert sum(team.stops for team in teams) == 20
    assert sorted(team.stops for team in teams) == [2] * 7 + [3] * 2
    stop = (await next_stops(conn, round_id, 1))[0]
    place = await a_place(conn, stop.name, address=stop.address)
    link = DueAct(id=uuid4(), act="link", reason="核实", place_id=place)
    await act_on_due(conn, stop.due_id, link, officer("registrar"), NOON)
    visit = VisitSaid(
        id=uuid4(),
        round_id=round_id,
        due_id=stop.due_id,
        findings=("not_in_use", "inaccurate"),
        note="当场指导",
        test=Trial(gate="1", result="works"),
        visited_at=NOON - timedelta(hours=2),
    )
    wrong = VisitSaid(id=uuid4(), round_id=round_id, due_id=stop.due_id, findings=("no_such",))
    other = VisitSaid(id=visit.id, round_id=round_id, due_id=stop.due_id, note="另一份")
    grid = officer("grid", "inspector")
    results = await record_visits(conn, HENAN, (visit, wrong, visit, other), grid, NOON)
    assert [(each.status, each.code) for each in results] == [
        ("recorded", ""),
        ("refused", "finding_unknown"),
        ("repeated", ""),
        ("conflict", "stop_id_taken"),
    ]
    assert len(results[0].problems) == 2
    assert [trial.result for trial in await trials_of(conn, place)] == ["works"]
    assert (await next_stops(conn, round_id, 1))[0].due_id != stop.due_id
    whole = await find_round(conn, round_id, None)
    assert (whole.stops, whole.visited, whole.problems) == (20, 1, 2)


async def test_joint_enforcement_has_two_parties_and_one_result(conn: Connection):
    due = await a_shop(conn)
    said = NewTask(
        id=uuid4(), due_id=due, parties=("police",), purpose="看得见管不住", meets_at=NOON + DAY
    )
    with pytest.raises(Unprocessable):
        await ask_for_task(conn, HENAN, said, ANNA, NOON)
    both = NewTask(
        id=said.id, due_id=due, parties=("police", "market"), purpose="难点", meets_at=NOON + DAY
    )
    assert await ask_for_task(conn, HENAN, both, ANNA, NOON) == both.id
    assert await ask_for_task(conn, HENAN, both, ANNA, NOON) == both.id
    await tell_result(conn, both.id, "当场整改", ANNA, NOON + DAY)
    await tell_result(conn, both.id, "当场整改", ANNA, NOON + DAY)
    with pytest.raises(Conflict):
        await tell_result(conn, both.id, "没有改", BERT, NOON + DAY)
    assert [task.result for task in await tasks(conn, None)] == ["当场整改"]


async def test_what_the_loop_learned_is_proposed_and_accepted_once(conn: Connection, city: City):
    for number in range(2):
        await conn.execute(
            "INSERT INTO closedloop.breach VALUES ($1, $2, 'must_not_turn_back', 'x', $3, $4)",
            4102000000000 + number,
            uuid4(),
            city.north,
            NOON - DAY,
        )
    for sequence in (1, 2, 5):
        await conn.execute(
            """
            INSERT INTO registry.event (movement_id, event_id, kind, occurred_at, received_at,
                                        place_id, device_id, sequence, actor, body)
            VALUES (4102000000009, $1, 'entry', $2, $2, $3, $4, $5, 'x',
                    '{"card": "green", "plate_seen": ""}')
            """,
            uuid4(),
            NOON - DAY,
            city.south,
            city.lane.id,
            sequence,
        )
    seen = {each.finding: each for each in await proposals(conn, HENAN, NOON)}
    assert {finding: each.n for finding, each in seen.items()} == {"against_rules": 2, "holes": 2}
    event = uuid4()
    reference = seen["against_rules"].reference
    made = await accept(conn, HENAN, reference, event, ANNA, NOON)
    again = await accept(conn, HENAN, reference, event, ANNA, NOON)
    assert made.problem_id == again.problem_id
    problem = await problem_of(conn, made.problem_id, None, NOON)
    assert (problem.finding, problem.place_id, problem.source) == (
        "against_rules", city.north, "proposal",
    )  # fmt: skip
    with pytest.raises(Conflict):
        await accept(conn, HENAN, reference, uuid4(), BERT, NOON)
    with pytest.raises(Unprocessable):
        await decline(conn, HENAN, seen["holes"].reference, "", ANNA, NOON)
    await decline(conn, HENAN, seen["holes"].reference, "更换设备", ANNA, NOON)
    assert await proposals(conn, HENAN, NOON) == []
    assert await proposals(conn, HENAN, NOON, "410222") == []
