"""Visits that arrive together share a batch; a fault spoils no other; a full line says so."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

import closedloop.visit_writer
from closedloop.visit_model import Came, Coming
from closedloop.visit_writer import LONGEST_LINE, VisitWriter
from kernel.admission import Pressure
from kernel.clock import SetClock
from kernel.db import Connection, open_pool
from kernel.errors import Unavailable
from kernel.privacy import Vault
from tests.city import City, build
from tests.closedloop.test_visits import coming
from tests.closedloop.venues import Venue, add_venue
from tests.conftest import NOON


class Watched(VisitWriter):
    """Remembers how large its batches were."""

    batches: list[int]

    async def _take(self, coming: list[Coming]) -> list[Came]:
        self.batches.append(len(coming))
        return await super()._take(coming)


async def ground(conn: Connection, vault: Vault) -> tuple[City, Venue]:
    return await build(conn, vault, NOON), await add_venue(conn)


async def test_what_arrives_together_is_written_together_and_each_gets_its_own_answer(
    cloned: str, vault: Vault
) -> None:
    async with await open_pool(cloned, size=4) as pool:
        async with pool.acquire() as conn:
            city, venue = await ground(conn, vault)
        writer = Watched(pool, city.office, SetClock(NOON), Pressure())
        writer.batches = []
        async with writer.running():
            first = coming(venue, vault)
            await writer.submit([first])
            many = [coming(venue, vault) for _ in range(300)]
            came = await asyncio.gather(*(writer.submit([each]) for each in [*many, first]))
        answers = [each[0] for each in came]
        assert [each.id for each in answers] == [each.id for each in [*many, first]]
        assert [each.status for each in answers].count("recorded") == 300
        assert answers[-1].status == "repeated"
        assert len(writer.batches) <= 5
        async with pool.acquire() as conn:
            assert await conn.fetchval("SELECT count(*) FROM closedloop.visit") == 301


@pytest.mark.parametrize("sabotaged", [False, True])
async def test_a_visit_that_cannot_be_stored_fails_alone(
    cloned: str, vault: Vault, monkeypatch: pytest.MonkeyPatch, *, sabotaged: bool
) -> None:
    """The twin does not split a batch that failed, and loses all of it."""
    if sabotaged:

        async def whole(_: Any, batch: Any, error: Exception) -> None:
            for _, future in batch:
                future.set_exception(error)

        monkeypatch.setattr(VisitWriter, "_one_by_one", whole)
    async with await open_pool(cloned, size=2) as pool:
        async with pool.acquire() as conn:
            city, venue = await ground(conn, vault)
        bad = replace(coming(venue, vault), gate="\0")  # no text in the database has this
        writer = VisitWriter(pool, city.office, SetClock(NOON), Pressure())
        async with writer.running():
            sent = [coming(venue, vault), bad, coming(venue, vault)]
            answers = await asyncio.gather(
                *(writer.submit([each]) for each in sent), return_exceptions=True
            )
    kept = [not isinstance(each, BaseException) for each in answers]
    assert kept == ([False] * 3 if sabotaged else [True, False, True])


async def test_a_line_that_is_full_turns_visits_away_and_keeps_none(
    city: City, vault: Vault, conn: Connection
) -> None:
    venue = await add_venue(conn)
    writer = VisitWriter(object(), city.office, SetClock(NOON), Pressure())  # type: ignore[arg-type]
    one = coming(venue, vault)
    with pytest.raises(Unavailable) as refused:
        await writer.submit([one] * (LONGEST_LINE + 1))
    assert refused.value.code == "urgent_first"
    assert not writer._line


@pytest.mark.parametrize("waiting", [True, False])
async def test_a_batch_lets_a_lane_that_waits_go_first_but_not_for_ever(
    city: City, monkeypatch: pytest.MonkeyPatch, *, waiting: bool
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(closedloop.visit_writer.asyncio, "sleep", sleep)
    pressure = Pressure(clock=lambda: 0.0)
    if waiting:
        pressure.note(500)
    writer = VisitWriter(object(), city.office, SetClock(NOON), pressure)  # type: ignore[arg-type]
    await writer._let_lanes_go_first()
    assert len(slept) == (closedloop.visit_writer.YIELD_STEPS if waiting else 0)
