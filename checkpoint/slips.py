"""The slip of a truck that was turned back (seed 003: mend it and return). Pure."""

from closedloop.model import State
from closedloop.order import in_order
from closedloop.situation import Situation
from closedloop.watching import name_of
from kernel.errors import Conflict
from kernel.privacy import Vault
from registry.model import Event
from registry.passes import pass_number
from registry.sheets import Mend, Slip
from registry.world import World


def slip_of(situation: Situation, world: World, vault: Vault) -> Slip:
    """In both languages, whoever prints it. Raises Conflict `not_turned_back`."""
    if situation.loop.state is not State.TURNED_BACK:
        raise Conflict("not_turned_back", state=situation.loop.state)
    white = next(event for event in reversed(in_order(situation.events)) if _turns_back(event))
    movement = situation.movement
    return Slip(
        plate=movement.plate,
        number="" if movement.blocked else pass_number(movement.movement_id, vault),
        place=name_of(world, situation.loop.entry_place_id),
        at=white.occurred_at,
        until=movement.window_to,
        rules_version=int(white.body.get("rules_version") or 0),
        mends=mends_of(white, world),
    )


def _turns_back(event: Event) -> bool:
    return event.body.get("card") == "white" or event.body.get("outcome") == "turn_back"


def mends_of(event: Event, world: World) -> tuple[Mend, ...]:
    """The officer's reason first, then the rules that failed; each once."""
    rules = world.rules_of(int(event.body.get("rules_version") or 0), event.occurred_at)
    sentences = rules.sentences()
    failed = [str(reason.get("code")) for reason in event.body.get("reasons") or ()]
    codes = dict.fromkeys([str(event.body.get("reason") or ""), *failed])
    return tuple(
        Mend(
            sentence=sentences[code][0].zh,
            sentence_en=sentences[code][0].en,
            mend=sentences[code][1].zh,
            mend_en=sentences[code][1].en,
        )
        for code in codes
        if code in sentences
    )
