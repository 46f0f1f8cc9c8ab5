"""What a console says while it has no network: taken along in one language, from the catalogues
and from the rule sets.
"""

from datetime import datetime
from typing import Any

from kernel.i18n import sentences
from registry.passes import HINTS
from registry.rules import RuleSet
from registry.world import World

#: Keys of the catalogue that begin so are taken along whole.
TAKEN = ("console.", "wrong.", "card.")


def words(world: World, now: datetime, locale: str) -> dict[str, Any]:
    """`said`: catalogue key → sentence; `reasons`: code → what is wrong and how to mend it;
    `hints`: what tells other codes apart.
    """
    reasons: dict[str, dict[str, str]] = {}
    for rules in _spoken(world, now):
        for code, (sentence, mend) in rules.sentences().items():
            reasons[code] = {"sentence": getattr(sentence, locale), "mend": getattr(mend, locale)}
    said = {key: said for key, said in sentences(locale).items() if key.startswith(TAKEN)}
    return {"lang": locale, "said": said, "reasons": reasons, "hints": HINTS}


def _spoken(world: World, now: datetime) -> list[RuleSet]:
    """The one in force last, so that its words win."""
    to_come = [rules for at, rules in world.rule_sets if at > now]
    return [*to_come, world.rules_at(now)]
