"""What the duty desk shows: rows of the list, and one case with its ladder, findings and story."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from msgspec import Struct

from alerts.case_queries import Rung, TakenStep
from alerts.model import UNCLAIMED_MINUTES, Code
from alerts.queries import Overdue, Referred
from alerts.reconcile import Finding
from closedloop.watching import name_of
from kernel.auth import Actor
from kernel.i18n import t
from registry.plates import kind_shown
from registry.world import World

#: Minutes from which a band of age begins (docs/pages.md).
BANDS = (30, 120, 240)


def groups(rows: Sequence[Overdue], actor: Actor | None, now: datetime) -> list[dict[str, Any]]:
    """Together what one call can ask; what was put off stands apart, at the end."""

    def whose(row: Overdue) -> tuple[bool, int | None, str]:
        return row.snoozed_until is not None, row.place_id, row.place

    return [
        {
            "place_id": place_id,
            "name": name,
            "later": later,
            "rows": [duty_row(row, actor, now) for row in together],
        }
        for (later, place_id, name), together in groupby(rows, key=whose)
    ]


class Contact(Struct, frozen=True, kw_only=True):
    at: datetime
    what: str


class DutyRow(Struct, frozen=True, kw_only=True):
    """A truck on the list, in words; hashable, so that a row that is drawn serves again. `band` is
    its age as an index of BANDS; `lonely`: overdue for long, and nobody has claimed it.
    """

    movement_id: int
    limb: str
    plate: str
    plate_kind: str
    masked_name: str
    passed_at: datetime | None
    due_at: datetime
    overdue_minutes: int
    band: int
    what: str
    step: str
    doing: str
    more: int
    owner: str
    mine: bool
    lonely: bool
    snoozed_until: datetime | None
    contact: Contact | None
    found: int
    closing: bool


def duty_row(row: Overdue, actor: Actor | None, now: datetime) -> DutyRow:
    minutes = minutes_since(row.due_at, now)
    return DutyRow(
        movement_id=row.movement_id,
        limb=row.limb,
        plate=row.plate,
        plate_kind=kind_shown(row.plate),
        masked_name=row.driver,
        passed_at=row.released_at,
        due_at=row.due_at,
        overdue_minutes=minutes,
        band=sum(minutes >= start for start in BANDS),
        what=t(f"limb.{row.limb}"),
        step=row.step,
        doing=t(f"step.{row.step}") if row.step else "",
        more=row.limits - 1,
        owner=row.owner,
        mine=actor is not None and row.owner_id == actor.id,
        lonely=not row.owner_id and minutes >= UNCLAIMED_MINUTES,
        snoozed_until=row.snoozed_until,
        contact=contact(row),
        found=row.found,
        closing=row.closing,
    )


def contact(row: Overdue) -> Contact | None:
    """The last word that came, or the last call; None where nobody has been reached."""
    at = max((at for at in (row.called_at, row.replied_at) if at is not None), default=None)
    if at is None:
        return None
    return Contact(at=at, what=t(f"reply.{row.last_reply}") if row.last_reply else t("event.call"))


def minutes_since(at: datetime, now: datetime) -> int:
    return max(0, int((now - at).total_seconds() // 60))


def referred_row(row: Referred) -> dict[str, Any]:
    return {
        "movement_id": row.movement_id,
        "plate": row.plate,
        "plate_kind": kind_shown(row.plate),
        "masked_name": row.driver,
        "place": row.place,
        "since": row.since,
        "closing": row.closing,
    }


def ladder(
    rungs: Sequence[Rung], taken: Sequence[TakenStep], flag_at: datetime, next_at: datetime | None
) -> list[dict[str, Any]]:
    """Every rung of the limit, with when it came or is to come."""
    came = {each.step: each.raised_at for each in taken}
    shown: list[dict[str, Any]] = []
    for rung in rungs:
        due = flag_at + timedelta(minutes=rung.minutes)
        shown.append(
            {
                "step": rung.step,
                "what": t(f"step.{rung.step}"),
                "raised_at": came.get(rung.step),
                "due_at": due if next_at is None else max(due, next_at),
            }
        )
    return shown


def findings(found: Sequence[Finding], world: World) -> list[dict[str, Any]]:
    return [
        {
            "kind": each.kind,
            "what": t(f"finding.{each.kind}", name=each.name),
            "plate": each.plate,
            "plate_kind": kind_shown(each.plate) if each.plate else None,
            "movement_id": each.movement_id,
            "place": name_of(world, each.place_id),
            "at": each.at,
        }
        for each in found
    ]


def codes(offered: Sequence[Code]) -> list[dict[str, Any]]:
    return [{"value": int(code), "label": t(f"reply.{int(code)}")} for code in offered]


def options(prefix: str, names: Sequence[str]) -> list[dict[str, str]]:
    return [{"value": name, "label": t(f"{prefix}.{name}")} for name in names]


def people(found: Sequence[tuple[UUID, str]]) -> list[dict[str, str]]:
    return [{"value": str(account_id), "label": name} for account_id, name in found]
