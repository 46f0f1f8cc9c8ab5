"""What a driver said, in the form in which the record can hold it."""

from datetime import UTC, datetime
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from registry.submission import Submission

#: Times outside are nobody's journey; near the ends of the calendar no reckoning is possible.
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def storable(said: Submission) -> Submission:
    """Without NUL, which no text in the record has, and with times within two centuries, so
    that the check can say in words that they are too early or too late.
    """
    plain = msgspec.convert(_without_nul(msgspec.to_builtins(said)), Submission)
    return replace(
        plain,
        expected_entry_at=_within(plain.expected_entry_at),
        expected_exit_at=_within(plain.expected_exit_at),
    )


def one_line(text: str, most: int = 200) -> str:
    """What an officer typed into a field of a form."""
    return "".join(character for character in text if character.isprintable()).strip()[:most]


def _within(at: datetime | None) -> datetime | None:
    if at is None or FIRST.year <= at.year < LAST.year:
        return at
    return FIRST if at.year < FIRST.year else LAST


def _without_nul(said: object) -> Any:  # noqa: ANN401 - text, or whatever holds text
    match said:
        case str():
            return said.replace("\0", "")
        case dict():
            known = cast("dict[str, object]", said)
            return {_without_nul(key): _without_nul(value) for key, value in known.items()}
        case list() | tuple():
            return [_without_nul(each) for each in cast("list[object]", said)]
        case _:
            return said
