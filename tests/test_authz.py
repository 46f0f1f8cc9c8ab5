"""Who may, as a table that is whole: a route that is missing there is red, and so is a guard that
was taken away.
"""

import os
import random

import pytest
from litestar import Litestar

from kernel.clock import SetClock
from kernel.db import Connection
from tests.authz import (
    COLUMNS,
    Route,
    about_somebody,
    admits,
    as_line,
    callers,
    is_public,
    read_table,
    routes,
)
from tests.authz_bodies import BODIES
from tests.authz_ground import Ground
from tests.city import City

SEED = 20220412
REMOVALS = 50


@pytest.fixture
async def ground(app: Litestar, conn: Connection, city: City, clock: SetClock) -> Ground:
    made = Ground(app, conn, city, clock)
    await made.build()
    return made


async def test_every_route_has_its_row_and_every_row_its_route(app: Litestar) -> None:
    named, table = {route.name for route in routes(app)}, read_table()
    assert sorted(named - table.keys()) == [], "run: python -m tests.authz_table"
    assert sorted(table.keys() - named) == []
    for name, row in table.items():
        assert tuple(row) == COLUMNS, name
        assert all(row.values()), name


async def differences(ground: Ground, route: Route, row: dict[str, str]) -> list[str]:
    """Where the row as it is differs from the table, for the callers' own things only."""
    found: list[str] = []
    for column in COLUMNS:
        caller = next(callers(ground.places, column, whole=False))
        guard = await admits(route, caller.actor)
        if "+" in row[column] and not guard:
            found.append(f"{route.name}: the guard keeps {column} out")
        if column == "nobody" and "+" not in row[column] and guard:
            found.append(f"{route.name}: no guard keeps nobody out")
    for column in COLUMNS:
        caller = next(callers(ground.places, column, whole=False))
        if (await ground.judge(route, caller)) != (row[column][0] == "+"):
            found.append(f"{route.name}: {column} differs")
    return found


@pytest.mark.timeout(600)
async def test_the_table_is_as_it_is(ground: Ground, app: Litestar) -> None:
    table, wrong, cells = read_table(), [], 0
    for route in routes(app):
        observed = await ground.row(route, whole=about_somebody(route, BODIES))
        cells += sum(len(cell.replace(".", "")) for cell in observed.values())
        if observed != table.get(route.name):
            wrong.append(as_line(route.name, observed))
    print(f"{cells} cells of {len(routes(app))} routes, {len(wrong)} rows differ")
    if path := os.environ.get("CHECKPOINT_AUTHZ_OBSERVED"):
        with open(path, "w", encoding="utf-8") as file:  # noqa: ASYNC230, PTH123
            file.write("\n".join([",".join(["route", *COLUMNS]), *wrong]) + "\n")
    assert wrong == []


async def test_a_guard_that_was_taken_away_is_found_every_time(
    ground: Ground, app: Litestar
) -> None:
    table, found = read_table(), 0
    guarded = [route for route in routes(app) if not is_public(route)]
    for route in random.Random(SEED).choices(guarded, k=REMOVALS):
        kept = route.handler.resolve_guards()
        route.handler._resolved_guards = []
        try:
            found += bool(await differences(ground, route, table[route.name]))
        finally:
            route.handler._resolved_guards = kept
        assert await admits(route, None) is False
    print(f"{REMOVALS} guards removed, {found} found")
    assert found == REMOVALS
