"""What the city knows now, asked as a duty officer would ask."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any

from checkpoint.simulation.expectations import Expected, Observed
from checkpoint.simulation.wire import Json, Wire

PAGE = 500
#: The sweep comes every few seconds; a limit that has passed is flagged within a minute.
SWEEP_PATIENCE = 60.0


async def read_city(duty: Wire, expected: Sequence[Expected], at_once: int) -> dict[int, Observed]:
    """Movement id → what lists, histories and alerts say of it."""
    ours = {each.movement_id for each in expected}
    listed = {row["movement_id"]: row["state"] async for row in _pages(duty, "/loops", "loops")}
    alerts = await _awaited_alerts(duty, expected)
    gate = asyncio.Semaphore(at_once)

    async def history(movement_id: int) -> Json:
        async with gate:
            return await duty.get(f"/movements/{movement_id}/history")

    known = sorted(ours & set(listed))
    histories = await asyncio.gather(*(history(movement_id) for movement_id in known))
    return {
        movement_id: _observed(told, listed[movement_id], alerts.get(movement_id, ()))
        for movement_id, told in zip(known, histories, strict=True)
    }


def _observed(told: Json, listed_state: str, alerts: Iterable[str]) -> Observed:
    events: list[dict[str, Any]] = told["events"]
    return Observed(
        state=told["state"],
        listed_state=listed_state,
        late="late" in told["flags"],
        events=len({event["event_id"] for event in events}),
        cards={
            event["event_id"]: event["body"]["card"] for event in events if event["kind"] == "entry"
        },
        alerts=frozenset(alerts),
    )


async def _pages(duty: Wire, path: str, name: str, **query: Any) -> AsyncGenerator[Json]:  # noqa: ANN401
    cursor: object = None
    while True:
        place = {} if cursor is None else {"cursor": cursor}
        page = await duty.get(path, limit=PAGE, **place, **query)
        for row in page[name]:
            yield row
        cursor = page["cursor"]
        if cursor is None:
            return


async def _awaited_alerts(duty: Wire, expected: Sequence[Expected]) -> dict[int, set[str]]:
    """Open alerts of our trucks, once the sweep has had its time to raise them."""
    wanted = {each.movement_id: set(each.alerts) for each in expected if each.alerts}
    clock = asyncio.get_running_loop().time
    until = clock() + SWEEP_PATIENCE
    while True:
        found = await _alerts(duty, {each.movement_id for each in expected})
        missing = any(not limbs <= found.get(number, set()) for number, limbs in wanted.items())
        if not missing or clock() > until:
            return found
        await asyncio.sleep(1)


async def _alerts(duty: Wire, ours: set[int]) -> dict[int, set[str]]:
    found: defaultdict[int, set[str]] = defaultdict(set)
    async for row in _pages(duty, "/alerts", "alerts", is_open=True):
        if row["movement_id"] in ours:
            found[row["movement_id"]].add(row["limb"])
    return dict(found)
