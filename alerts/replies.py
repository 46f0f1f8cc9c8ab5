"""What is answered to an enquiry, and what a call brought: checked here, folded below.

Only an officer who has seen the proof discharges a truck by a reply; what a driver says is kept,
shown, and proves nothing (mission §5, §7).
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid5

import msgspec
from msgspec import Meta, Struct

from alerts.model import DRIVERS, FIRMS, PURSUED, Code
from closedloop.acts import Number, Text
from closedloop.model import UNDER_WAY
from closedloop.planning import planned_stop
from closedloop.saying import one_line
from closedloop.situation import Situation
from kernel.auth import Actor
from kernel.errors import Conflict, Forbidden, Unprocessable
from kernel.privacy import without_numbers
from registry.model import PlaceKind, Role
from registry.rules import RuleSet
from registry.world import World

LONGEST_NOTE = 500
Note = Annotated[str, Meta(max_length=LONGEST_NOTE, pattern=r"^[^\x00]*\Z")]
#: Whose word on a proof counts.
OFFICERS = frozenset({Role.DUTY, Role.POLICE})
#: Who may speak for somebody else, after a call or in the field.
SPEAKERS = frozenset({Role.DUTY, Role.HOTLINE, Role.POLICE, Role.GRID})
WHOM = ("driver", "firm")
ANSWERS = ("yes", "no", "unknown")


class Reply(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`minutes` with a delay, `place_id` with another firm, `proof` where there is one."""

    id: UUID
    code: Number
    minutes: Number | None = None
    place_id: Number | None = None
    proof: Text = ""
    note: Note = ""


class Call(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call that was made: to whom, what it brought (a reply's code), and what was answered to the
    questions of the rule set (`yes`, `no`, `unknown`).
    """

    id: UUID
    whom: Text
    code: Number
    minutes: Number | None = None
    place_id: Number | None = None
    proof: Text = ""
    answers: dict[str, str] = {}
    note: Note = ""


def reply_body(
    said: Reply | Call, at: Situation, world: World, actor: Actor | None, now: datetime
) -> dict[str, Any]:
    """Raises Conflict `already_ended`, `already_extended`, `not_under_way`; Unprocessable
    `reply_unknown`, `minutes_out_of_range`, `destination_unknown`.
    """
    if at.loop.state not in PURSUED:
        raise Conflict("already_ended", state=at.loop.state)
    code = _code(said.code, actor)
    return {"code": int(code)} | _EFFECTS.get(code, _nothing)(said, at, world, actor, now)


def _code(number: int, actor: Actor | None) -> Code:
    offered = tuple(Code) if actor and actor.roles & SPEAKERS else FIRMS if actor else DRIVERS
    if number not in offered:
        raise Unprocessable("reply_unknown", known=[int(code) for code in offered])
    return Code(number)


def _proved(
    said: Reply | Call, _: Situation, __: World, actor: Actor | None, ___: datetime
) -> dict[str, Any]:
    proof = kept_proof(said.proof)
    if not proof:
        return {}
    seen = actor is not None and bool(actor.roles & OFFICERS)
    return {"proof" if seen else "claimed": proof}


def kept_proof(text: str) -> str:
    """A ticket's number or a record's; numbers that belong to a person are no proof."""
    return without_numbers(one_line(text, 120))


def _elsewhere(
    said: Reply | Call, at: Situation, world: World, _: Actor | None, now: datetime
) -> dict[str, Any]:
    if said.place_id is None:
        return {}
    place = world.places.get(said.place_id)
    if place is None or place.kind is not PlaceKind.DESTINATION or not place.active:
        raise Unprocessable("destination_unknown")
    _under_way(at)
    stop = planned_stop(world, world.rules_at(now), at.loop.entry_place_id, place.id)
    return {"stop": msgspec.to_builtins(stop)}


def _delayed(
    said: Reply | Call, at: Situation, world: World, _: Actor | None, now: datetime
) -> dict[str, Any]:
    most = world.rules_at(now).limits.delay_minutes
    _under_way(at)
    if at.loop.extended:
        raise Conflict("already_extended")
    if said.minutes is None or not 1 <= said.minutes <= most:
        raise Unprocessable("minutes_out_of_range", most=most)
    return {"minutes": said.minutes, "most": most}


def _under_way(at: Situation) -> None:
    if at.loop.state not in UNDER_WAY:
        raise Conflict("not_under_way", state=at.loop.state)


def _nothing(*_: object) -> dict[str, Any]:
    return {}


_EFFECTS = {
    Code.ARRIVED: _proved,
    Code.LEFT: _proved,
    Code.ELSEWHERE: _elsewhere,
    Code.DELAYED: _delayed,
}


def call_body(
    said: Call, at: Situation, world: World, actor: Actor, now: datetime
) -> dict[str, Any]:
    """Raises Forbidden `not_your_role`; Unprocessable `call_whom_needed`, `answer_unknown`."""
    if not actor.roles & SPEAKERS:
        raise Forbidden("not_your_role")
    if at.loop.state not in PURSUED:
        raise Conflict("already_ended", state=at.loop.state)
    if said.whom not in WHOM:
        raise Unprocessable("call_whom_needed", known=list(WHOM))
    answers = asked(said.answers, world.rules_at(now))
    return {"whom": said.whom, "code": int(_code(said.code, actor)), "answers": answers}


def asked(answers: dict[str, str], rules: RuleSet) -> dict[str, str]:
    """Raises Unprocessable `answer_unknown` naming the question."""
    known = {question.code for question in rules.call_questions}
    for question, answer in answers.items():
        if question not in known or answer not in ANSWERS:
            raise Unprocessable("answer_unknown", question=question)
    return answers


def reply_of_call(said: Call) -> Reply:
    """What a call brought counts as a reply, under an id that is made of the call's."""
    return Reply(
        id=uuid5(said.id, "reply"),
        code=said.code,
        minutes=said.minutes,
        place_id=said.place_id,
        proof=said.proof,
    )
