"""How templates are drawn: fast enough for lists of hundreds of rows that are asked for all day."""

from collections.abc import Hashable
from functools import lru_cache
from typing import Any, cast

from jinja2 import Environment
from markupsafe import Markup

from kernel.i18n import current_locale

#: A few thousand rows in two languages.
MOST_DRAWN = 8_192


class Pages(Environment):
    """`row.name` of a dict is its key first: Jinja looks for an attribute before, and failing
    at that for every cell of a long list costs more than all else in the page.
    """

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 -- whatever a page is given
        if isinstance(obj, dict) and attribute in obj:
            return cast("dict[str, Any]", obj)[attribute]
        return super().getattr(obj, attribute)


def drawn(environment: Environment, name: str, /, **facts: Hashable) -> Markup:
    """A part of a page that depends on nothing but its facts and the language: it is drawn once
    for everybody who sees the same.
    """
    return _drawn(environment, name, current_locale(), tuple(facts.items()))


@lru_cache(MOST_DRAWN)
def _drawn(
    environment: Environment, name: str, _locale: str, facts: tuple[tuple[str, Hashable], ...]
) -> Markup:
    return Markup(environment.get_template(name).render(dict(facts)))  # noqa: S704
