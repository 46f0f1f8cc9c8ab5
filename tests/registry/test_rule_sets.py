"""Rule sets: what is wrong with one, and how two people put one in force."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest
from msgspec.structs import replace

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Refused
from kernel.ids import uuid7
from registry.accounts import create_account
from registry.model import Card
from registry.rule_faults import faults
from registry.rule_sets import (
    ask_for_shadow,
    changed_by_form,
    propose,
    read_proposal,
    release,
    version_of,
    versions,
)
from registry.rules import SCENARIOS, RuleSet, read_scenario, shipped
from registry.world import load_world
from tests.conftest import NOON
from tests.support import REPOSITORY

HENAN = read_scenario(SCENARIOS / "epidemic-henan.json")
SOON = NOON + timedelta(hours=2)
PACKS = (*shipped(), REPOSITORY / "tests/scenarios/flood-relief.json")


async def somebody(conn: Connection, role: str) -> Actor:
    account_id = await create_account(
        conn,
        login=uuid4().hex,
        password_hash="x",
        name=role,
        roles=[role],
        place_id=None,
        district=None,
        now=NOON,
    )
    return Actor(id=account_id, kind="account", name=role, roles=frozenset({role}))


async def tried(conn: Connection, number: int, actor: Actor) -> None:
    run_id = uuid7(NOON)
    await ask_for_shadow(
        conn, number, run_id, since=NOON - timedelta(days=7), until=NOON, actor=actor
    )
    await conn.execute("UPDATE registry.shadow_run SET ran_at = $2 WHERE id = $1", run_id, NOON)


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.stem)
def test_nothing_is_wrong_with_a_pack_that_ships(path: Any) -> None:
    assert list(faults(read_scenario(path))) == []


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"card": Card.GREEN}, "rules[0].card"),
        ({"evidence": "weather"}, "rules[0].evidence"),
        ({"evidence": None}, "rules[0].evidence"),
        ({"evidence": "risk_area"}, "rules[0].evidence"),
        ({"values": ("purple",)}, "rules[0].values"),
        ({"values": ()}, "rules[0].values"),
        ({"check": "evidence_older", "hours": None}, "rules[0].hours"),
        ({"check": "declared", "question": "age"}, "rules[0].question"),
        ({"code": "test_missing"}, "rules (test_missing)"),
    ],
)
def test_a_planted_fault_is_named_by_its_place(changes: dict[str, Any], where: str) -> None:
    raw = msgspec.json.decode(msgspec.json.encode(HENAN))
    raw["rules"][0] |= changes
    assert where in list(faults(msgspec.convert(raw, RuleSet)))


def test_a_file_that_is_not_in_form_is_refused_with_the_place() -> None:
    for data, code, said in (
        (b"{", "rule_set_malformed", "truncated"),
        (b'{"scenario": 5}', "rule_set_malformed", "$.scenario"),
        (
            msgspec.json.encode(msgspec.to_builtins(HENAN) | {"weather": 1}),
            "rule_set_malformed",
            "weather",
        ),
    ):
        with pytest.raises(Refused) as caught:
            read_proposal(data)
        assert caught.value.code == code
        assert said in str(caught.value.facts)


def test_a_form_changes_cards_and_limits_and_nothing_else() -> None:
    said = {"card_test_missing": "white", "limit_desk_minutes": "45", "limit_arrival_factor": "2"}
    changed = changed_by_form(HENAN, said)
    cards = {rule.code: rule.card for rule in changed.rules}
    assert cards["test_missing"] is Card.WHITE
    assert (changed.limits.desk_minutes, changed.limits.arrival_factor) == (45, 2.0)
    back = {
        "card_test_missing": "yellow",
        "limit_desk_minutes": "60",
        "limit_arrival_factor": "1.5",
    }
    assert changed_by_form(changed, back) == HENAN


@pytest.mark.parametrize(
    "said",
    [
        {"card_test_missing": "green"},
        {"card_test_missing": "purple"},
        {"limit_desk_minutes": "soon"},
        {"limit_desk_minutes": "-1"},
        {"limit_desk_minutes": "4.5"},
        {"limit_arrival_factor": "nan"},
    ],
)
def test_a_form_that_makes_no_sense_is_refused(said: dict[str, str]) -> None:
    with pytest.raises(Refused) as caught:
        changed_by_form(HENAN, said)
    assert caught.value.code == "rule_set_faulty"


async def test_two_people_put_a_rule_set_in_force(conn: Connection) -> None:
    admin, officer = await somebody(conn, "admin"), await somebody(conn, "security")
    number = await propose(conn, replace(HENAN, exit_scan=True), admin, NOON)
    assert (await load_world(conn)).rule_sets == ()
    await tried(conn, number, officer)
    await release(conn, number, SOON, officer, NOON)
    ((since, rules),) = (await load_world(conn)).rule_sets
    assert (since, rules.version, rules.exit_scan) == (SOON, number, True)
    version, _ = await version_of(conn, number)
    assert (version.proposer, version.releaser) == ("admin", "security")


async def test_what_cannot_be_released(conn: Connection) -> None:
    admin, officer = await somebody(conn, "admin"), await somebody(conn, "security")
    number = await propose(conn, HENAN, admin, NOON)

    async def refusal(by: Actor, at: Any = SOON, version: int = number) -> str:
        with pytest.raises(Refused) as caught:
            await release(conn, version, at, by, NOON)
        return caught.value.code

    assert await refusal(officer) == "shadow_needed"
    assert await refusal(admin) == "own_proposal"
    await tried(conn, number, officer)
    assert await refusal(admin) == "own_proposal"
    assert await refusal(officer, NOON - timedelta(seconds=1)) == "in_force_past"
    assert await refusal(officer, version=999_999) == "unknown_rule_set"
    await release(conn, number, SOON, officer, NOON)
    assert await refusal(officer) == "rule_set_released"


async def test_the_record_refuses_that_one_person_does_both(conn: Connection) -> None:
    admin = await somebody(conn, "admin")
    number = await propose(conn, HENAN, admin, NOON)
    with pytest.raises(asyncpg.CheckViolationError, match="rule_set_released_by_another"):
        await conn.execute(
            "UPDATE registry.rule_set SET released_by = created_by WHERE version = $1", number
        )


async def test_a_run_that_is_asked_for_twice_is_one(conn: Connection) -> None:
    admin = await somebody(conn, "admin")
    number, run_id = await propose(conn, HENAN, admin, NOON), uuid7(NOON)
    for _ in range(2):
        await ask_for_shadow(conn, number, run_id, since=NOON, until=NOON, actor=admin)
    assert await conn.fetchval("SELECT count(*) FROM registry.shadow_run") == 1
    (listed,) = await versions(conn, most=5)
    assert (listed.version, listed.ran_at) == (number, None)
