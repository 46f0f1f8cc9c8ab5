"""What the API and the pages say alike: failed rules in the caller's words."""

from typing import Any

from msgspec import Struct

from kernel.i18n import current_locale, t
from registry.model import Failure
from registry.rules import RuleSet


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
