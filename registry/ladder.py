"""The enquiry ladder as data (mission §7): what happens when a limit passes, rung by rung."""

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct


class Does(StrEnum):
    REMIND = "remind"
    FLAG = "flag"
    ENQUIRE = "enquire"
    CALL = "call"
    WATCH = "watch"
    TRACE = "trace"
    REFER = "refer"


class Tells(StrEnum):
    """`grid` and `police` stand in the field, `duty` and `tracers` in the control room."""

    DRIVER = "driver"
    FIRM = "firm"
    DUTY = "duty"
    GRID = "grid"
    POLICE = "police"
    TRACERS = "tracers"


class Rung(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`minutes` counts from the limit, and before it where it is negative."""

    step: str
    limbs: tuple[str, ...]
    minutes: int
    does: Does
    tells: tuple[Tells, ...] = ()


JOURNEY = ("arrival", "exit")
HELD = ("hold", "takeover", "expiry", "appeal")
DRIVER, FIRM, DUTY = Tells.DRIVER, Tells.FIRM, Tells.DUTY


def _rung(step: str, limbs: tuple[str, ...], minutes: int, does: Does, *tells: Tells) -> Rung:
    return Rung(step=step, limbs=limbs, minutes=minutes, does=does, tells=tells)


#: Mission §7. A firm that does not confirm is asked and called; a hold that passes a time is told
#: to the duty desk twice. Neither is anything for the police.
LADDER = (
    _rung("L0", JOURNEY, -30, Does.REMIND, DRIVER, FIRM),
    _rung("L1", (*JOURNEY, "confirmation", *HELD, "desk"), 0, Does.FLAG, DUTY),
    _rung("L2", (*JOURNEY, "confirmation"), 15, Does.ENQUIRE, DRIVER, FIRM),
    _rung("L2", HELD, 15, Does.CALL, DUTY),
    _rung("L3", (*JOURNEY, "confirmation"), 45, Does.CALL, DUTY),
    _rung("L4", JOURNEY, 120, Does.WATCH, Tells.GRID, Tells.POLICE),
    _rung("L5", JOURNEY, 240, Does.TRACE, Tells.TRACERS),
    _rung("L6", JOURNEY, 1440, Does.REFER, Tells.POLICE, FIRM),
)


def ladder_faults(ladder: tuple[Rung, ...], limbs: frozenset[str]) -> Iterator[str]:
    """Places as `ladder[3].minutes`: two rungs of one limb at one height or of one name, a reminder
    after the limit or anything else before it, a limb that is none, and a limb without a flag.
    """
    heights: set[tuple[str, int]] = set()
    names: set[tuple[str, str]] = set()
    for number, rung in enumerate(ladder):
        if not rung.limbs or not set(rung.limbs) <= limbs:
            yield f"ladder[{number}].limbs"
        if (rung.does is Does.REMIND) != (rung.minutes < 0):
            yield f"ladder[{number}].minutes"
        for limb in rung.limbs:
            if (limb, rung.minutes) in heights:
                yield f"ladder[{number}].minutes"
            if (limb, rung.step) in names or not rung.step:
                yield f"ladder[{number}].step"
            heights.add((limb, rung.minutes))
            names.add((limb, rung.step))
    flagged = {limb for rung in ladder if rung.does is Does.FLAG for limb in rung.limbs}
    if not limbs <= flagged:
        yield "ladder"


def minutes_until(ladder: tuple[Rung, ...], does: Does, limb: str = "arrival") -> int | None:
    """From the limit to the first rung that does it; None where no rung does."""
    found = [rung.minutes for rung in ladder if rung.does is does and limb in rung.limbs]
    return min(found, default=None)
