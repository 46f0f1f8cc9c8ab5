"""The parts of the service as the public knows them, each known by the jobs that it rests on."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from alerts.watching import WATCHED, allowed, beats
from kernel.db import Connection
from kernel.service_states import Change, Outage, changes, note_states, outages

#: It beats as long as a process and the database do.
WATCH, WATCH_SECONDS = "watch", 15
#: Text messages have a job where a gateway is set.
TEXTS = "messages"
WEEK = timedelta(days=7)
#: Part → job → seconds between two of its runs.
_PARTS: dict[str, dict[str, float]] = {
    "lanes": {WATCH: WATCH_SECONDS},
    "noticing": {name: WATCHED[name] for name in ("sweep", "canary")},
    "messages": {"deliveries": WATCHED["deliveries"]},
}


class Part(Struct, frozen=True, kw_only=True):
    """`since`: as it is now. `checked_at`: the last sign of life; None before there was any."""

    name: str
    works: bool
    since: datetime | None = None
    checked_at: datetime | None = None


class Report(Struct, frozen=True, kw_only=True):
    parts: tuple[Part, ...]
    outages: tuple[Outage, ...] = ()

    @property
    def works(self) -> bool:
        return all(each.works for each in self.parts)


def nothing_known() -> Report:
    """Of a service that cannot look into its own record."""
    return Report(parts=tuple(Part(name=name, works=False) for name in _PARTS))


def judged(beats_: Mapping[str, datetime], now: datetime, *, texts: bool) -> list[Part]:
    """A part works while each of its jobs gives signs of life in time."""
    return [_judged(name, jobs, beats_, now) for name, jobs in _jobs(texts=texts).items()]


def _jobs(*, texts: bool) -> dict[str, dict[str, float]]:
    more = {TEXTS: WATCHED["deliveries"]} if texts else {}
    return _PARTS | {"messages": _PARTS["messages"] | more}


def _judged(
    name: str, jobs: Mapping[str, float], beats_: Mapping[str, datetime], now: datetime
) -> Part:
    seen = [beats_.get(job) for job in jobs]
    known = [each for each in seen if each is not None]
    works = len(known) == len(seen) and all(
        (now - beats_[job]).total_seconds() <= allowed(seconds) for job, seconds in jobs.items()
    )
    return Part(name=name, works=works, checked_at=min(known, default=None))


async def note_parts(conn: Connection, now: datetime, *, texts: bool) -> int:
    """Called by the job that watches, before its own beat: how many parts changed."""
    known = await beats(conn)
    last = known.get(WATCH)
    gone = last is not None and (now - last).total_seconds() > allowed(WATCH_SECONDS)
    found = [_change(each, now) for each in judged(known | {WATCH: now}, now, texts=texts)]
    async with conn.transaction():
        return await note_states(conn, found, last if gone else None, now)


def _change(part: Part, now: datetime) -> Change:
    """What has ceased to work ceased with its last sign of life."""
    since = now if part.works or part.checked_at is None else part.checked_at
    return Change(part=part.name, works=part.works, since=since)


async def report(conn: Connection, now: datetime, *, texts: bool) -> Report:
    found = judged(await beats(conn), now, texts=texts)
    told = await changes(conn)
    told += _not_yet_noted(told, found, now)
    latest = {each.part: each.since for each in told}
    parts = tuple(
        Part(
            name=each.name,
            works=each.works,
            since=latest.get(each.name),
            checked_at=each.checked_at,
        )
        for each in found
    )
    return Report(parts=parts, outages=tuple(outages(told, now - WEEK)))


def _not_yet_noted(told: Sequence[Change], found: Sequence[Part], now: datetime) -> list[Change]:
    """What whoever looks now sees before the job that watches does."""
    works = {each.part: each.works for each in told}
    return [_change(each, now) for each in found if works.get(each.name, each.works) != each.works]
