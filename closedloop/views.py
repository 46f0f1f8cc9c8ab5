"""What the API and the pages say alike: failed rules in the caller's words, and the pass."""

from typing import Any

from msgspec import Struct

from closedloop.reporting import Office
from closedloop.situation import Situation
from kernel.errors import NotFound
from kernel.i18n import current_locale, t
from registry.model import Failure
from registry.passes import pass_number
from registry.posters import PassSheet, pass_svg
from registry.rules import RuleSet
from registry.world import World


class FailureView(Struct, frozen=True, kw_only=True):
    """`blocks` keeps the report a draft; otherwise `card` is what the gate would show."""

    code: str
    sentence: str
    mend: str
    blocks: bool
    field: str | None
    card: str | None
    person: int | None
    facts: dict[str, Any]


def failure_views(failures: tuple[Failure, ...], rules: RuleSet) -> list[FailureView]:
    if not failures:
        return []
    spoken = rules.sentences()
    return [_failure_view(failure, spoken) for failure in failures]


def _failure_view(failure: Failure, spoken: dict[str, Any]) -> FailureView:
    wording = spoken.get(failure.code)
    return FailureView(
        code=failure.code,
        sentence=t(f"error.{failure.code}", **failure.facts)
        if wording is None
        else getattr(wording[0], current_locale()),
        mend="" if wording is None else getattr(wording[1], current_locale()),
        blocks=failure.blocks,
        field=failure.field,
        card=failure.card,
        person=failure.person,
        facts=failure.facts,
    )


def pass_picture(situation: Situation, world: World, office: Office) -> bytes:
    """Raises NotFound("no_pass_yet") for a draft."""
    movement = situation.movement
    if movement.blocked or movement.window_from is None or movement.window_to is None:
        raise NotFound("no_pass_yet")
    entry = world.places.get(movement.entry_place_id or 0)
    stop = world.places.get(movement.stops[0]) if movement.stops else None
    sheet = PassSheet(
        number=pass_number(movement.movement_id, office.vault),
        plate=movement.plate,
        trailer_plate=movement.trailer_plate,
        checkpoint="" if entry is None else entry.name,
        destination="" if stop is None else stop.name,
        window_from=movement.window_from,
        window_to=movement.window_to,
    )
    return pass_svg(sheet).encode()
