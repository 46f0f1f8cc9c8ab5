"""Made-up people whose every trace can be found again: number, telephone and name are unique."""

import html
import random
import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote_plus

from msgspec import Struct

from registry.people import check_character

#: No name of the tests or of the pages begins like this.
FIRST = "䶮"
_RARE = "龘靐齉爩鱻麤龗灪厵爨癵驫麷鸜鸞虋籱纞豔钃"
_NUMBERS = re.compile(r"(?=([0-9]{17}[0-9Xx]))")
_PHONES = re.compile(r"(?=(1[3-9][0-9]{9}))")
_NAMES = re.compile(f"{FIRST}[{_RARE}]{{2}}")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


class Canary(Struct, frozen=True, kw_only=True):
    number: str
    phone: str
    name: str

    @property
    def texts(self) -> tuple[str, str, str]:
        return (self.number, self.phone, self.name)


def hatch(count: int, seed: int = 7) -> list[Canary]:
    dice = random.Random(seed)
    names = [FIRST + one + two for one in _RARE for two in _RARE]
    names += [name + third for name in names for third in _RARE[:3]]
    made: dict[str, Canary] = {}
    while len(made) < count:
        year, month, day = dice.randint(1960, 2003), dice.randint(1, 12), dice.randint(1, 28)
        digits = f"410221{year}{month:02}{day:02}{dice.randrange(1000):03}"
        number = digits + check_character(digits)
        phone = f"1{dice.choice('356789')}{dice.randrange(10**9):09}"
        made[number] = Canary(number=number, phone=phone, name=names[len(made)])
    return list(made.values())


class Net:
    """Finds any of many canaries in a text, however long, and counts what it looked through."""

    def __init__(self, canaries: Sequence[Canary]) -> None:
        self.owner = {text: n for n, each in enumerate(canaries) for text in each.texts}
        self.bytes: dict[str, int] = {}

    def find(self, what: str, text: str, *, names: bool = True) -> set[int]:
        """Which canaries stand in it, also escaped for an address, a page or JSON."""
        self.bytes[what] = self.bytes.get(what, 0) + len(text.encode("utf-8", "replace"))
        return set().union(*(self._plain(each, names=names) for each in _readings(text)))

    def _plain(self, text: str, *, names: bool) -> set[int]:
        hits = [*_NUMBERS.findall(text), *_PHONES.findall(text)]
        found = {self.owner[hit.upper()] for hit in hits if hit.upper() in self.owner}
        for match in _NAMES.finditer(text if names else ""):
            start = match.start()
            for length in (4, 3):
                if (name := text[start : start + length]) in self.owner:
                    found.add(self.owner[name])
                    break
        return found

    def told(self) -> str:
        return ", ".join(f"{size:,} bytes of {what}" for what, size in self.bytes.items())


def _readings(text: str) -> Iterable[str]:
    yield text
    if "%" in text or "+" in text:
        yield unquote_plus(text)
    if "&#" in text or "&amp;" in text:
        yield html.unescape(text)
    if "\\u" in text:
        yield _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
