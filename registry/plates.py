"""The grammar of number plates.

Written from general knowledge of the plates in use since GA 36-2018 and NOT checked against the
standard's text. Well known: the province characters, I and O unused, seven characters for ordinary
and eight for new energy vehicles, the suffixes 挂, 学, 警, 港, 澳. Less certain: the forms of
embassy, consulate, armed police and military plates, and of 超 and 应急, which are here as commonly
seen. Plates of older styles and foreign plates are refused; the desk enters those by hand.
The colour is no part of the number.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from kernel.errors import Unprocessable

PlateKind = Literal[
    "ordinary",
    "new_energy",
    "trailer",
    "learner",
    "police",
    "emergency",
    "oversize",
    "consulate",
    "hk_macau",
    "wj",
    "military",
]

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"

_LETTER = "[A-HJ-NP-Z]"
_SIGN = "[0-9A-HJ-NP-Z]"
_OFFICE = f"[{PROVINCES}]{_LETTER}"
# D, A, B, C, E: battery vehicles; F, G, H, J, K: other new energy.
_ENERGY = "[A-HJK]"

_GRAMMAR: tuple[tuple[PlateKind, re.Pattern[str]], ...] = (
    ("ordinary", re.compile(f"{_OFFICE}{_SIGN}{{5}}")),
    ("new_energy", re.compile(f"{_OFFICE}(?:{_ENERGY}{_SIGN}[0-9]{{4}}|[0-9]{{5}}{_ENERGY})")),
    ("trailer", re.compile(f"{_OFFICE}{_SIGN}{{4}}挂")),
    ("learner", re.compile(f"{_OFFICE}{_SIGN}{{4}}学")),
    ("police", re.compile(f"{_OFFICE}{_SIGN}{{4}}警")),
    ("emergency", re.compile(f"{_OFFICE}{_SIGN}{{4}}应急")),
    ("oversize", re.compile(f"{_OFFICE}{_SIGN}{{4}}超")),
    ("hk_macau", re.compile(f"粤Z{_SIGN}{{4}}[港澳]")),
    ("consulate", re.compile(f"{_OFFICE}{_SIGN}{{4}}领|使[0-9]{{6}}|[0-9]{{6}}使")),
    # Before the military form, which WJ12345 would fit as well.
    ("wj", re.compile(f"WJ[{PROVINCES}]?[0-9]{{4}}{_SIGN}")),
    ("military", re.compile(f"{_LETTER}{{2}}[0-9]{{5}}")),
)

_SEPARATORS = re.compile(r"[\s·•・∙⋅‧.\-‐‑‒–—_]+")
_SHOWN_IN_ERRORS = 16
_OFFICE_LENGTH = 2


class Plate(Struct, frozen=True, kw_only=True):
    text: str
    kind: PlateKind

    @property
    def shown(self) -> str:
        """With the dot that stands on the plate itself: 豫A·12345."""
        if self.text[0] not in PROVINCES:
            return self.text
        return f"{self.text[:_OFFICE_LENGTH]}·{self.text[_OFFICE_LENGTH:]}"


def normalise(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).upper()
    return unicodedata.normalize("NFKC", _SEPARATORS.sub("", folded))


def parse(text: str) -> Plate:
    """Raises Unprocessable: `plate_malformed`."""
    plate = normalise(text)
    for kind, pattern in _GRAMMAR:
        if pattern.fullmatch(plate):
            return Plate(text=plate, kind=kind)
    raise Unprocessable("plate_malformed", given=plate[:_SHOWN_IN_ERRORS])


@lru_cache(8_192)  # pages ask for it of every row
def kind_shown(text: str) -> str:
    """The kind to draw a plate as: one that cannot be read looks like any other."""
    try:
        return parse(text).kind
    except Unprocessable:
        return "ordinary"


def masked_plate(text: str) -> str:
    """For whoever need not know which truck: 豫B***45."""
    return f"{text[:2]}{'*' * max(len(text) - 4, 1)}{text[-2:]}" if len(text) > 4 else "****"


def one_character_off(a: str, b: str) -> bool:
    """One character replaced, or two neighbours swapped. Expects normalised plates."""
    if len(a) != len(b):
        return False
    differ = [i for i in range(len(a)) if a[i] != b[i]]
    if len(differ) == 1:
        return True
    match differ:
        case [i, j]:
            return j == i + 1 and a[i] == b[j] and a[j] == b[i]
        case _:
            return False


_SIGNS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def near(plate: str) -> frozenset[str]:
    """All plates that are one character off, as `one_character_off` has it. Expects a normalised
    plate of seven or eight characters; others have none.
    """
    if len(plate) not in _LENGTHS:
        return frozenset()
    made = {
        f"{plate[:at]}{sign}{plate[at + 1 :]}"
        for at in range(len(plate))
        for sign in _may_stand(plate, at)
    }
    swapped = {
        f"{plate[:at]}{plate[at + 1]}{plate[at]}{plate[at + 2 :]}"
        for at in range(1, len(plate) - 1)
    }
    return frozenset((made | swapped) - {plate})


_LENGTHS = (7, 8)


def _may_stand(plate: str, at: int) -> str:
    if at == 0:
        return PROVINCES
    if at == len(plate) - 1:
        return _SIGNS + "挂"
    return _SIGNS
