"""What a console may know of a pass while it has no network: enough for the verdict, and nothing
that names a person. Pure; `static/console/judge.js` reads these shapes.

Names are short because twenty thousand of these travel together. Times are milliseconds.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from closedloop.model import Loop, State
from registry.areas import covers
from registry.jose import encode
from registry.judge import Standing
from registry.model import Area, Movement, Proof, Subject

_KEY_CHARACTERS = 22


class Paper(Struct, frozen=True):
    """A proof: value, time, source, reference, until when it says something."""

    v: str
    t: int
    s: str
    r: str
    u: int | None


class Someone(Struct, frozen=True):
    """A person of the movement by number: what was declared, and evidence by kind."""

    o: int
    d: dict[str, bool]
    e: dict[str, Paper]


class Zone(Struct, frozen=True):
    """An area in which the journey began: kind, name, level, from, until, source."""

    k: str
    n: str
    l: str  # noqa: E741 - the short name of a level
    f: int
    u: int | None
    s: str


class Last(Struct, frozen=True):
    """The last card: which, when, at which gate and place."""

    card: str
    at: int
    gate: str
    place: int | None


class Pass(Struct, frozen=True):
    """Movement, plates, window from and until, standing, channel, goods, blocking fields, people
    (who), the vehicle's proofs, areas, the last card.
    """

    m: int
    p: str
    t: str
    f: int | None
    u: int | None
    s: str
    c: str
    g: str
    b: list[str]
    w: list[Someone]
    v: dict[str, Paper]
    a: list[Zone]
    l: Last | None  # noqa: E741


def key_of(pass_number: str) -> str:
    """Under this a console finds a pass that was scanned; nobody can make the number from it."""
    digest = hashlib.sha256(pass_number.encode()).digest()
    return encode(digest)[:_KEY_CHARACTERS]


def compact(
    movement: Movement,
    people: Sequence[Subject],
    standing: Standing | str,
    areas: Sequence[Area] = (),
    last: Last | None = None,
) -> Pass:
    return Pass(
        m=movement.movement_id,
        p=movement.plate,
        t=movement.trailer_plate,
        f=ms(movement.window_from),
        u=ms(movement.window_to),
        s=str(standing),
        c=movement.channel,
        g=movement.goods,
        b=[each.field or each.code for each in movement.failures if each.blocks],
        w=[Someone(p.ordinal, p.declared, _papers(p.evidence)) for p in people],
        v=_papers(movement.vehicle),
        a=[_zone(area) for area in areas if covers(area, movement.origin)],
        l=last,
    )


def standing_of(loop: Loop) -> str:
    """As `verdicts` has it, and `held`, which no rule may overrule."""
    if loop.state is State.HELD:
        return "held"
    if loop.state in {State.VOIDED, State.CANCELLED}:
        return Standing.WITHDRAWN
    return Standing.USED if loop.state is State.DISCHARGED else Standing.VALID


def last_of(loop: Loop) -> Last | None:
    if loop.carded_at is None or loop.last_card is None:
        return None
    at = ms(loop.carded_at) or 0
    return Last(loop.last_card, at, loop.entry_gate, loop.entry_place_id)


def _papers(proofs: dict[str, Proof]) -> dict[str, Paper]:
    return {
        kind: Paper(each.value, ms(each.taken_at) or 0, each.source, each.reference, ms(each.until))
        for kind, each in proofs.items()
    }


def _zone(area: Area) -> Zone:
    return Zone(area.kind, area.name, area.level, ms(area.since) or 0, ms(area.until), area.source)


def ms(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp() * 1000)
