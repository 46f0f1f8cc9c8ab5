"""What each process does by the clock. Every process has all of it: each job's own SQL sees to it
that nothing happens twice.
"""

from collections.abc import Iterator

from litestar.datastructures import State

from alerts.canary import sing
from alerts.climbing import climb, sweep_time
from alerts.expecting import ask_due
from alerts.parts import TEXTS, WATCH, WATCH_SECONDS, note_parts
from alerts.supervision_clock import look_after
from alerts.telling import teller
from alerts.watching import CANARY, WATCHED, beats, measure
from checkpoint.retention import ERASERS
from checkpoint.verifying import STREAMS
from closedloop.changes import keep_up
from closedloop.lapsing import lapse_and_renew
from closedloop.learning import learn
from closedloop.shadow_runs import run_asked
from kernel.chain import seal_settled
from kernel.deliveries import deliver
from kernel.jobs import Job, beat, take_turn
from kernel.keyring import REFRESH_SECONDS, refresh
from kernel.outbox import forget_old
from kernel.retention import erase_due
from kernel.senders import channel, send_due
from registry.drivers import phone_of
from registry.rejects import forget_rejects

HOUR = 3600
SENDING_SECONDS = 2
CANARY_SECONDS = WATCHED["canary"]
LAPSING_SECONDS = 60
SUPERVISION_SECONDS = 300
#: A firm is told of a truck so soon after its pass was issued.
ASKING_SECONDS = 15
CHANGES_SECONDS = 60
SEALING_SECONDS = 30
#: Whoever asked for a shadow run looks at the page meanwhile.
SHADOW_SECONDS = 5


#: What goes through many rows is done by one process at a time; the others would find the same.
SHARED = frozenset({
    "changes", "feed", "lapses", "expectations", "learning", "rejects", "supervision", "retention",
    "seals",
})  # fmt: skip


def schedule(state: State) -> Iterator[tuple[str, float, Job]]:
    """Name, seconds between two runs, job; each says when it was at work."""
    for name, seconds, job in _jobs(state):
        yield name, seconds, _beating(state, name, seconds, job)


def _beating(state: State, name: str, seconds: float, job: Job) -> Job:
    """A job that fails gives no sign of life."""

    async def run() -> None:
        if name in SHARED:
            async with state.pool.acquire(timeout=2) as conn:
                if not await take_turn(conn, name, seconds):
                    return
        await job()
        async with state.pool.acquire(timeout=2) as conn:
            await beat(conn, name, state.clock.now())

    return run


def _jobs(state: State) -> Iterator[tuple[str, float, Job]]:
    yield "keys", REFRESH_SECONDS, _refreshing(state)
    yield "sweep", state.settings.sweep_seconds, _sweeping(state)
    if state.settings.sms:
        yield TEXTS, SENDING_SECONDS, _sending(state)
    yield "deliveries", SENDING_SECONDS, _delivering(state)
    yield "feed", HOUR, _forgetting_messages(state)
    yield "changes", CHANGES_SECONDS, _keeping_up(state)
    yield "seals", SEALING_SECONDS, _sealing(state)
    yield "canary", CANARY_SECONDS, _singing(state)
    yield WATCH, WATCH_SECONDS, _watching(state)
    yield "lapses", LAPSING_SECONDS, _lapsing(state)
    yield "expectations", ASKING_SECONDS, _asking(state)
    yield "shadow", SHADOW_SECONDS, _trying(state)
    yield "learning", HOUR, _learning(state)
    yield "rejects", HOUR, _forgetting(state)
    yield "supervision", SUPERVISION_SECONDS, _supervising(state)
    yield "retention", HOUR, _erasing(state)


def _trying(state: State) -> Job:
    async def job() -> None:
        async with state.pool.acquire(timeout=2) as conn:
            await run_asked(conn, state.clock.now())

    return job


def _forgetting(state: State) -> Job:
    async def forget() -> None:
        async with state.pool.acquire(timeout=2) as conn:
            await forget_rejects(conn, state.clock.now())

    return forget


def _sweeping(state: State) -> Job:
    async def job() -> None:
        async with state.pool.acquire(timeout=2) as conn:
            await climb(conn, state.office, await sweep_time(conn, state.clock))

    return job


def _lapsing(state: State) -> Job:
    async def job() -> None:
        async with state.pool.acquire(timeout=2) as conn:
            await lapse_and_renew(conn, state.office, state.clock.now())

    return job


def _asking(state: State) -> Job:
    async def job() -> None:
        async with state.pool.acquire(timeout=2) as conn:
            last = (await beats(conn)).get("expectations")
            await ask_due(conn, state.office, state.clock.now(), last)

    return job


def _sending(state: State) -> Job:
    send = channel(state.settings.sms, state.settings.sms_secret)

    async def job() -> None:
        if send is not None:
            find = phone_of(state.vault, state.settings.public_url)
            await send_due(state.pool, state.vault, find, send, state.clock.now())

    return job


def _delivering(state: State) -> Job:
    tell = teller(state.office.cache, state.settings.public_url)
    allow = state.settings.webhook_allow

    async def job() -> None:
        await deliver(state.pool, state.vault, tell, allow, state.clock.now())

    return job


def _forgetting_messages(state: State) -> Job:
    async def job() -> None:
        async with state.pool.acquire(timeout=2) as conn:
            await forget_old(conn, state.clock.now())

    return job


def _keeping_up(state: State) -> Job:
    async def job() -> None:
        async with state.pool.acquire(timeout=2) as conn:
            await keep_up(conn, state.clock.now())

    return job


def _sealing(state: State) -> Job:
    async def job() -> None:
        async with state.pool.acquire(timeout=2) as conn:
            await seal_settled(conn, state.vault, STREAMS, state.clock.now())

    return job


def _learning(state: State) -> Job:
    async def job() -> None:
        async with state.pool.acquire(timeout=10) as conn:
            await learn(conn, state.office, state.clock.now())

    return job


def _singing(state: State) -> Job:
    """A silent canary gives no beat, and is told as a job that stands still."""

    async def job() -> None:
        async with state.pool.acquire(timeout=2) as conn:
            sung = await sing(conn, state.office, state.clock.now())
        CANARY.set(-1 if sung.silent else sung.ms)
        if sung.silent:
            raise CanarySilentError(sung.silent)

    return job


class CanarySilentError(Exception):
    """A truck that never was should have been flagged and was not; the text is the step."""


def _watching(state: State) -> Job:
    async def job() -> None:
        async with state.pool.acquire(timeout=2) as conn:
            now = state.clock.now()
            await measure(conn, WATCHED, now)
            await note_parts(conn, now, texts=bool(state.settings.sms))

    return job


def _supervising(state: State) -> Job:
    async def job() -> None:
        async with state.pool.acquire(timeout=10) as conn:
            await look_after(conn, state.office.cache, state.clock.now())

    return job


def _erasing(state: State) -> Job:
    async def job() -> None:
        async with state.pool.acquire(timeout=2) as conn:
            await erase_due(conn, ERASERS, state.clock.now())

    return job


def _refreshing(state: State) -> Job:
    async def job() -> None:
        async with state.pool.acquire(timeout=2) as conn:
            await refresh(conn, state.vault, state.clock.now())

    return job
