"""What is printed: a poster for a gate, a pass for a cab. Both languages stand on every sheet, so
nothing here depends on the reader's locale.
"""

from datetime import date, datetime, timedelta, timezone
from typing import Literal

from msgspec import Struct

PosterSize = Literal["a4", "a3"]
PassSize = Literal["a6", "80mm"]

HOTLINE = "12328"
# China has kept one offset without summer time since 1991; no time zone database is needed.
CHINA = timezone(timedelta(hours=8), "CST")


class Poster(Struct, frozen=True, kw_only=True):
    """`url` is what the QR holds, `code` its ten characters; a gate may be empty. `issued_on` is
    the day in China on which the code was made.
    """

    kind: Literal["checkpoint", "destination", "venue"]
    url: str
    code: str
    place: str
    gate: str = ""
    issued_on: date | None = None
    hotline: str = HOTLINE


class PassSheet(Struct, frozen=True, kw_only=True):
    """Times are aware; they are printed in China's. `offline` is the signed code's digits."""

    number: str
    plate: str
    trailer_plate: str = ""
    checkpoint: str = ""
    destination: str = ""
    window_from: datetime
    window_to: datetime
    offline: str = ""


class Mend(Struct, frozen=True, kw_only=True):
    """What is wrong, and what to do about it and where."""

    sentence: str
    sentence_en: str
    mend: str
    mend_en: str


class Slip(Struct, frozen=True, kw_only=True):
    """Of a truck that was turned back; `number` is empty where it has no pass."""

    plate: str
    number: str
    place: str
    at: datetime
    until: datetime | None
    rules_version: int
    mends: tuple[Mend, ...]


def short_number(code: str) -> str:
    """The code as people read it aloud: two groups of five."""
    return f"{code[:5]}-{code[5:]}"
