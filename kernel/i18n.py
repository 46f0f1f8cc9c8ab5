"""Sentences in the caller's language."""

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.messages.pofile import read_po
from msgspec import Struct

LOCALES = ("zh", "en")
DEFAULT_LOCALE = "zh"
LOCAL_ZONE = ZoneInfo("Asia/Shanghai")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Catalogues(Struct, frozen=True):
    """The sentences of every locale, by msgid."""

    sentences: dict[str, dict[str, str]]

    def find(self, locale: str, key: str) -> str | None:
        return self.sentences.get(locale, {}).get(key)


class _Facts(dict[str, object]):
    def __missing__(self, name: str) -> str:
        return "{" + name + "}"


_locale: ContextVar[str] = ContextVar("locale", default=DEFAULT_LOCALE)
# One process speaks with one set of sentences; only load_catalogues changes it.
_loaded = {"catalogues": Catalogues({locale: {} for locale in LOCALES})}


def load_catalogues(folders: Iterable[Path]) -> Catalogues:
    """Read `zh.po` and `en.po` of each folder and make them the sentences of this process.

    Raises ValueError when two folders define the same msgid.
    """
    known = list(folders)
    catalogues = Catalogues({locale: _merge(known, locale) for locale in LOCALES})
    _loaded["catalogues"] = catalogues
    return catalogues


def _merge(folders: list[Path], locale: str) -> dict[str, str]:
    merged: dict[str, str] = {}
    for folder in folders:
        found = read_sentences(folder / f"{locale}.po")
        if twice := sorted(merged.keys() & found.keys()):
            message = f"{folder}/{locale}.po repeats {', '.join(twice)}"
            raise ValueError(message)
        merged |= found
    return merged


@cache
def read_sentences(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.stem, abort_invalid=True)
    return {str(entry.id): str(entry.string) for entry in catalogue if entry.id and entry.string}


def sentences(locale: str) -> dict[str, str]:
    """All of a catalogue as it is written, facts not filled in."""
    return _loaded["catalogues"].sentences[locale]


def has(key: str) -> bool:
    return _loaded["catalogues"].find(current_locale(), key) is not None


def t(key: str, /, **facts: object) -> str:
    """Say `key` in the current locale; a fact that is missing leaves its braces standing."""
    sentence = _loaded["catalogues"].find(current_locale(), key)
    if sentence is None:
        return key
    return sentence.format_map(_Facts({name: _shown(fact) for name, fact in facts.items()}))


def _shown(fact: object) -> object:
    return local_time(fact) if isinstance(fact, datetime) else fact


def current_locale() -> str:
    return _locale.get()


def other_locale(locale: str) -> str:
    return "en" if locale == "zh" else "zh"


@contextmanager
def use_locale(locale: str) -> Generator[None]:
    token = _locale.set(locale if locale in LOCALES else DEFAULT_LOCALE)
    try:
        yield
    finally:
        _locale.reset(token)


def negotiate(
    *, query: str | None = None, cookie: str | None = None, accept_language: str | None = None
) -> str:
    """Choose a locale: what was asked for now, else what was chosen before, else the browser's."""
    for choice in (query, cookie):
        if choice in LOCALES:
            return choice
    return _preferred(accept_language or "")


def _preferred(accept_language: str) -> str:
    weights: dict[str, float] = {}
    for part in accept_language.split(","):
        tag, _, weight = part.partition(";")
        language = tag.strip().lower().split("-")[0]
        if language in LOCALES:
            weights[language] = max(_weight(weight), weights.get(language, 0.0))
    # max() keeps the first of equals, so ties go to the order in which the browser wrote them.
    best = max(weights, key=weights.__getitem__, default=DEFAULT_LOCALE)
    return best if weights.get(best) else DEFAULT_LOCALE


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def local_time(moment: datetime | None) -> str:
    """Show a moment as people here write it: `4月12日 21:00`, `12 Apr 21:00`."""
    if moment is None:
        return ""
    here = moment.astimezone(LOCAL_ZONE)
    if current_locale() == "zh":
        return f"{here.month}月{here.day}日 {here:%H:%M}"
    return f"{here.day} {MONTHS[here.month - 1]} {here:%H:%M}"


def facts_of(catalogue: Mapping[str, str], key: str) -> set[str]:
    """Name the facts that a sentence asks for."""
    asked: set[str] = set()

    class Listening(dict[str, object]):
        def __missing__(self, name: str) -> str:
            asked.add(name)
            return name

    catalogue[key].format_map(Listening())
    return asked
