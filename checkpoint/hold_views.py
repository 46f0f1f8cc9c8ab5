"""A hold as pages show it: its words, its clocks, and what the reader may do about it."""

from datetime import datetime
from typing import Any

from checkpoint.hold_queries import EndedHold, Held
from checkpoint.holds import DISMISSALS, GROUNDS, RELEASES, is_standing
from closedloop.hold_words import reason_said
from closedloop.holding import RULES
from closedloop.model import Hold, Loop
from closedloop.reporting import actor_name
from closedloop.watching import name_of
from kernel.auth import Actor
from kernel.i18n import t
from registry.model import Role
from registry.plates import kind_shown
from registry.world import World


def row(each: Held, world: World, now: datetime) -> dict[str, Any]:
    held = each.hold
    return {
        "hold_id": held.id,
        "movement_id": each.movement_id,
        "plate": each.plate,
        "plate_kind": kind_shown(each.plate),
        "people": named(each.people, held),
        "place": name_of(world, each.place_id),
        "reason": reason_said(held, world),
        "minutes": max(0, int((now - held.since).total_seconds() // 60)),
        "receiver": name_of(world, held.receiver_id),
        "clocks": clocks(held, now),
    }


def named(people: tuple[str, ...], held: Hold) -> list[str]:
    """Whom the hold names, or everybody in the cab."""
    if held.person is None or held.person >= len(people):
        return list(people)
    return [people[held.person]]


def clocks(held: Hold, now: datetime) -> list[dict[str, Any]]:
    """What is due, in the order in which it is; a time that has passed is late until it is met."""
    open_ = [("takeover", held.takeover_by), ("expiry", held.expires_at)]
    if held.approved_at is None:
        open_.append(("review", held.review_by))
    if held.appeal_due is not None:
        open_.append(("appeal", held.appeal_due))
    return [
        {"key": key, "due_at": due, "late": now > due}
        for key, due in sorted(open_, key=lambda pair: pair[1])
    ]


def ended_row(each: EndedHold) -> dict[str, Any]:
    why = t(f"hold.release.{each.why}") if each.why in RELEASES else ""
    return {
        "hold_id": each.hold_id,
        "plate": each.plate,
        "plate_kind": kind_shown(each.plate),
        "kind": each.kind,
        "why": why,
        "at": each.at,
    }


def case(
    loop: Loop, held: Hold, world: World, names: dict[str, str], note: str, now: datetime
) -> dict[str, Any]:
    standing = is_standing(loop, held)
    released = not standing and held.ended_for in RELEASES
    return {
        "hold_id": held.id,
        "movement_id": loop.movement_id,
        "standing": standing,
        "place": name_of(world, loop.entry_place_id),
        "source": held.source,
        "reason": reason_said(held, world),
        "also": held.also,
        "since": held.since,
        "by": t("ui.hold.by_rules") if held.by == RULES else names.get(held.by, ""),
        "clocks": clocks(held, now) if standing else [],
        "approved_at": held.approved_at,
        "approved_by": names.get(held.approved_by, ""),
        "receiver": name_of(world, held.receiver_id),
        "asked_at": held.asked_at,
        "appealed_at": held.appealed_at,
        "appeal_waits": held.appeal_waits,
        "grounds": t(f"hold.grounds.{held.grounds}") if held.grounds in GROUNDS else "",
        "note": note,
        "dismissed_at": held.dismissed_at,
        "dismissed_for": said_of_dismissal(held),
        "ended_at": held.ended_at,
        "ended_by": names.get(held.ended_by, ""),
        "ended_for": t(f"hold.release.{held.ended_for}") if released else held.ended_for,
    }


def said_of_dismissal(held: Hold) -> str:
    return t(f"hold.stands.{held.dismissed_for}") if held.dismissed_for in DISMISSALS else ""


def ways(loop: Loop, held: Hold, actor: Actor) -> dict[str, bool]:
    """Which forms are offered; the same is checked when one is sent."""
    standing, me = is_standing(loop, held), actor_name(actor)
    duty, desk = Role.DUTY in actor.roles, bool(actor.roles & {Role.DUTY, Role.DESK})
    mine, approved = held.by == me, held.approved_at is not None
    return {
        "approve": standing and duty and not mine and not approved,
        "transfer": standing and desk and approved,
        "release": standing and (duty or mine) and not (mine and approved),
        "dismiss": standing
        and duty
        and held.appeal_waits
        and me not in {held.by, held.approved_by},
    }
