import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kernel.auth import token_hash
from kernel.db import Connection
from kernel.privacy import Vault
from registry.accounts import check_login
from registry.demo import ACCOUNTS, DemoLogins, seed
from registry.demo_city import read_checkpoints
from registry.judge import judge
from registry.model import Card, Movement, PlaceKind
from registry.places import codes_of, directory
from registry.rules import SCENARIOS, shipped
from registry.scenario import install
from registry.world import World, load_world

NOON = datetime(2022, 5, 1, 12, 0, tzinfo=UTC)


async def _counts(conn: Connection) -> dict[str, int]:
    tables = [
        "district",
        "place",
        "gate",
        "code",
        "road_time",
        "account",
        "device",
        "token",
        "rule_set",
        "evidence_source",
    ]
    return {t: await conn.fetchval(f"SELECT count(*) FROM registry.{t}") for t in tables}


async def _opens(conn: Connection, vault: Vault, logins: DemoLogins) -> list[str]:
    found = [
        await check_login(conn, vault, login=each.login, password=each.password, now=NOON)
        for each in logins.logins
    ]
    return [role for actor in found if actor is not None for role in actor.roles]


async def test_the_demo_city_has_the_real_checkpoints_with_four_lanes_each(
    conn: Connection, vault: Vault, tmp_path: Path
):
    await seed(conn, vault, NOON, tmp_path)
    checkpoints = await directory(conn, "checkpoint")
    assert {place.name for place in checkpoints} == {spot.name for spot in read_checkpoints()}
    assert len(checkpoints) == 11
    for place in checkpoints:
        assert len(await codes_of(conn, place.id, NOON)) == 4


async def test_every_firm_is_marked_as_made_up_and_can_be_reached_from_everywhere(
    conn: Connection, vault: Vault, tmp_path: Path
):
    await seed(conn, vault, NOON, tmp_path)
    world = await load_world(conn)
    firms = [p for p in world.places.values() if p.kind is PlaceKind.DESTINATION]
    assert len(firms) == 12
    assert all(firm.name.endswith("（示例）") for firm in firms)
    assert len({firm.district_code for firm in firms}) > 5
    drivable = [p for p in world.places.values() if p.kind is not PlaceKind.VENUE]
    pairs = {(a.id, b.id) for a in drivable for b in firms if a.id != b.id}
    assert world.roads.keys() == pairs
    assert all(20 <= minutes <= 150 for minutes in world.roads.values())


async def test_there_is_one_login_per_role_and_each_of_them_opens(
    conn: Connection, vault: Vault, tmp_path: Path
):
    logins = await seed(conn, vault, NOON, tmp_path)
    assert sorted(await _opens(conn, vault, logins)) == [
        "admin",
        "auditor",
        "desk",
        "dispatcher",
        "duty",
        "duty",
        "firm",
        "firm",
        "grid",
        "hotline",
        "inspector",
        "lane",
        "police",
        "receiver",
        "registrar",
        "security",
        "tracer",
    ]  # fmt: skip
    assert next(e.place for e in logins.logins if e.role == "lane") == read_checkpoints()[0].name


async def test_the_tokens_of_lanes_and_firms_stand_at_their_places(
    conn: Connection, vault: Vault, tmp_path: Path
):
    logins = await seed(conn, vault, NOON, tmp_path)
    world = await load_world(conn)
    for role, tokens in (("lane", logins.lane_tokens), ("firm", logins.firm_tokens)):
        for place_id, token in tokens.items():
            actor = world.tokens[token_hash(token)]
            assert (actor.place_id, actor.roles) == (place_id, {role})
    assert (len(logins.lane_tokens), len(logins.firm_tokens)) == (11, 12)


async def test_seeding_again_keeps_all(conn: Connection, vault: Vault, tmp_path: Path):
    first = await seed(conn, vault, NOON, tmp_path)
    counts = await _counts(conn)
    again = await seed(conn, vault, NOON + timedelta(days=1), tmp_path)
    assert again == first
    assert await _counts(conn) == counts
    assert await _opens(conn, vault, first)
    assert (await load_world(conn)).sources == dict.fromkeys(
        ("health_code", "itinerary_code", "risk_area"), NOON + timedelta(days=1)
    )


async def test_if_the_file_is_lost_the_old_passwords_and_tokens_are_worth_nothing(
    conn: Connection, vault: Vault, tmp_path: Path
):
    first = await seed(conn, vault, NOON, tmp_path)
    (tmp_path / "logins.txt").unlink()
    second = await seed(conn, vault, NOON, tmp_path)
    assert await _opens(conn, vault, first) == []
    assert len(await _opens(conn, vault, second)) == len(ACCOUNTS)
    known = (await load_world(conn)).tokens
    assert not [t for t in first.lane_tokens.values() if token_hash(t) in known]
    assert [t for t in second.lane_tokens.values() if token_hash(t) not in known] == []


async def test_another_database_gets_the_logins_that_the_file_knows(
    conn: Connection, vault: Vault, tmp_path: Path
):
    inner = conn.transaction()
    await inner.start()
    first = await seed(conn, vault, NOON, tmp_path)
    await inner.rollback()
    second = await seed(conn, vault, NOON, tmp_path)
    assert second.logins == first.logins
    assert len(await _opens(conn, vault, first)) == len(ACCOUNTS)


async def test_the_file_of_logins_is_its_owners_alone(
    conn: Connection, vault: Vault, tmp_path: Path
):
    logins = await seed(conn, vault, NOON, tmp_path / "new")
    file = tmp_path / "new" / "logins.txt"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert all(each.password in file.read_text("utf-8") for each in logins.logins)
    assert [each.name for each in file.parent.iterdir()] == ["logins.txt"]


async def test_the_province_rules_rule_and_the_list_is_fresh(
    conn: Connection, vault: Vault, tmp_path: Path
):
    await seed(conn, vault, NOON, tmp_path)
    world = await load_world(conn)
    assert [rules.scenario for _, rules in world.rule_sets] == ["epidemic-henan"]
    scenarios = await conn.fetch("SELECT scenario FROM registry.rule_set")
    assert {row["scenario"] for row in scenarios} == {path.stem for path in shipped()}
    assert Card.GREEN is _card_of_nobody(world)


def _card_of_nobody(world: World) -> Card:
    """The card of a sound movement without people: only the list's age could spoil it."""
    movement = Movement(
        movement_id=1, version=1, plate="豫A12345", trailer_plate="", origin="", goods="other",
        entry_place_id=None, stops=(), expected_entry_at=NOON, expected_exit_at=None,
        window_from=NOON, window_to=NOON, failures=(), channel="page", reported_at=NOON,
    )  # fmt: skip
    return judge(movement, (), world.rules_at(NOON), None, NOON, sources=world.sources).card


async def test_a_scenario_installed_again_is_the_same_version(conn: Connection):
    path = SCENARIOS / "epidemic-huiji.json"
    trial = await install(conn, path, NOON)
    assert await install(conn, path, NOON) == trial
    assert (await load_world(conn)).rule_sets == ()
    assert await install(conn, path, NOON, NOON) == trial
    world = await load_world(conn)
    assert [(at, rules.version) for at, rules in world.rule_sets] == [(NOON, trial)]


async def test_a_changed_scenario_is_a_new_version(conn: Connection, tmp_path: Path):
    path = SCENARIOS / "epidemic-huiji.json"
    first = await install(conn, path, NOON, NOON)
    changed = tmp_path / "changed.json"
    changed.write_text(path.read_text("utf-8").replace('"yellow"', '"white"'), "utf-8")
    second = await install(conn, changed, NOON, NOON + timedelta(hours=1))
    assert second > first
    world = await load_world(conn)
    assert world.rules_at(NOON).version == first
    assert world.rules_at(NOON + timedelta(hours=2)).version == second
