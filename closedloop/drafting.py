"""From a draft to a report: sending it, beginning one from the last, correcting one."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from closedloop.questions import Typed
from closedloop.report_form import differences, moved_up, read_form, typed_from, with_the_rest
from closedloop.reporting import Office, amend, report
from kernel.db import Connection
from kernel.errors import Refused
from registry.drafts import Draft, amendment_of, begin, mark_sent
from registry.drivers import driver_of_movement, last_movement, note_phone_proved
from registry.holders import take_as_own
from registry.people import check_phone
from registry.report_queries import read_submission
from registry.submission import LOCAL, Checked, Submission, check_submission
from registry.world import World

#: Where the times of the last journey say nothing sensible.
USUAL_STAY = timedelta(hours=6)
#: What nearly every driver would choose.
USUAL = {"id_type": "resident", "goods": "daily"}
HOUR = timedelta(hours=1)


class Reading(Struct, frozen=True, kw_only=True):
    """A draft as the record would take it."""

    said: Submission
    checked: Checked

    @property
    def complete(self) -> bool:
        return not any(failure.blocks for failure in self.checked.failures)


def read(typed: Typed, world: World, now: datetime) -> Reading:
    said = read_form(moved_up(typed), world.rules_at(now))
    return Reading(said=said, checked=check_submission(said, world, now))


async def send(
    conn: Connection, office: Office, draft: Draft, token: str, now: datetime
) -> int | None:
    """The movement; None where something is still wrong. Sent twice, it is one report.

    Raises Conflict("already_presented") for an amendment that comes too late.
    """
    if draft.sent_at is not None:
        return draft.became
    world = await office.cache.now(conn)
    reading = read(draft.typed, world, now)
    if not reading.complete:
        return None
    if draft.kind == "amendment" and draft.became is not None:
        await _amend(conn, office, draft, draft.became, reading.said, now)
        movement_id = draft.became
    else:
        movement_id = await _report(conn, office, draft, reading.said, token, now)
    await mark_sent(conn, office.vault, draft.id, movement_id, now)
    return movement_id


async def _report(
    conn: Connection, office: Office, draft: Draft, said: Submission, token: str, now: datetime
) -> int:
    seen = await report(
        conn,
        office,
        event_id=draft.event_id,
        said=said,
        channel=draft.channel,
        actor=None,
        now=now,
    )
    movement_id = seen.movement.movement_id
    person_id = await driver_of_movement(conn, movement_id)
    if person_id is not None:
        proved = phone_proved(draft.typed)
        own = await take_as_own(
            conn,
            office.vault,
            token=token,
            movement_id=movement_id,
            person_id=person_id,
            phone=number_of(draft.typed),
            proved=proved,
            now=now,
        )
        if own and proved:
            await note_phone_proved(conn, person_id, now)
    return movement_id


async def _amend(
    conn: Connection,
    office: Office,
    draft: Draft,
    movement_id: int,
    said: Submission,
    now: datetime,
) -> None:
    before = await read_submission(conn, office.vault, movement_id)
    changes = differences(before, with_the_rest(said, before))
    if changes:
        await amend(
            conn,
            office,
            movement_id=movement_id,
            event_id=draft.event_id,
            changes=changes,
            actor=None,
            now=now,
        )


def phone_proved(typed: Typed) -> bool:
    """A code that was sent to this very number has been typed."""
    return bool(typed.get("phone_proved")) and typed["phone_proved"] == number_of(typed)


def number_of(typed: Typed) -> str:
    """In E.164; empty where it is none."""
    try:
        return check_phone(typed.get("phone", ""))
    except Refused:
        return ""


async def begin_amendment(
    conn: Connection, office: Office, movement_id: int, token: str, now: datetime
) -> UUID:
    """The amendment that this device has under way, else a new one."""
    known = await amendment_of(conn, movement_id, token, now)
    if known is not None:
        return known
    said = await read_submission(conn, office.vault, movement_id)
    draft_id, _ = await begin(
        conn,
        office.vault,
        token=token,
        typed=USUAL | typed_from(said),
        channel="driver",
        made_by="driver",
        kind="amendment",
        became=movement_id,
        now=now,
    )
    return draft_id


async def begin_again(
    conn: Connection,
    office: Office,
    person_id: UUID,
    token: str,
    now: datetime,
    *,
    entry: str = "",
) -> UUID | None:
    """The last journey once more, from the next full hour on, through the checkpoint whose poster
    was scanned, if one was; the questions are asked anew. None where no report of this
    person is left.
    """
    movement_id = await last_movement(conn, person_id)
    if movement_id is None:
        return None
    said = await read_submission(conn, office.vault, movement_id)
    kept = {f: v for f, v in typed_from(said).items() if not f.startswith("q_")}
    kept |= {"entry_place_id": entry} if entry else {}
    draft_id, _ = await begin(
        conn,
        office.vault,
        token=token,
        typed=USUAL | kept | _times_again(said, now),
        channel="returning",
        made_by="driver",
        now=now,
    )
    return draft_id


def _times_again(said: Submission, now: datetime) -> Typed:
    entry = now.astimezone(LOCAL).replace(minute=0, second=0, microsecond=0) + HOUR
    stay = USUAL_STAY
    if said.expected_entry_at and said.expected_exit_at:
        stay = max(said.expected_exit_at - said.expected_entry_at, HOUR)
    times = {"expected_entry_at": entry, "expected_exit_at": entry + stay}
    return {name: at.strftime("%Y-%m-%dT%H:%M") for name, at in times.items()}
