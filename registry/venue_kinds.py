"""What kinds of ordinary places have a common code (seeds 000 and 004), as data."""

from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from kernel.errors import Unprocessable


class VenueKind(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`codes`: one for each door, or one for the shop."""

    code: str
    zh: str
    en: str
    codes: Literal["door", "shop"]


CATEGORIES = msgspec.json.decode(
    Path(__file__).with_name("venue_categories.json").read_bytes(), type=tuple[VenueKind, ...]
)
_KNOWN = {
    name.casefold(): kind.code for kind in CATEGORIES for name in (kind.code, kind.zh, kind.en)
}


def check_category(text: str) -> str:
    """By its code or by its name in either language. Raises Unprocessable `category_unknown`."""
    code = _KNOWN.get(text.strip().casefold())
    if code is None:
        raise Unprocessable("category_unknown")
    return code


def category_options(locale: str) -> list[dict[str, str]]:
    return [{"value": kind.code, "label": getattr(kind, locale)} for kind in CATEGORIES]


def category_label(code: str, locale: str) -> str:
    """What is no venue's stays as it was written."""
    return next((getattr(kind, locale) for kind in CATEGORIES if kind.code == code), code)
