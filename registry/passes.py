"""Movement ids, pass numbers, and what other people's codes look like.

A pass number has 24 digits: the movement's id (13, its first four are the city), a keyed tag (10)
and a check digit (ISO 7064 MOD 11,10). The check digit catches every wrong digit and 98 % of
swapped neighbours, and tells a slip from a forgery; the tag refuses the rest, because without the
key nobody can write a number that is accepted. No database is asked.

A pass that is read without a network has many more digits and a signature instead of the tag
(`registry/offline_pass.py`); wherever a pass number is taken, it is taken as well.
"""

import hmac
import re
import secrets
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from kernel.errors import Unprocessable
from kernel.privacy import Vault
from registry.offline_pass import LEAST_DIGITS, MOST_DIGITS, NO_KEYS, PublicKeys, read_offline

#: `pass`, `place_code`, `url`, `text`, or a kind of `other_codes.json`.
CodeKind = str

PASS_DIGITS = 24
_ID_DIGITS = 13
_TAG_DIGITS = 10
_OWN = 10**9
_CITY = re.compile(r"[1-9][0-9]{3}")
_NEARLY = range(PASS_DIGITS - 2, PASS_DIGITS + 3)
_OFFLINE = range(LEAST_DIGITS, MOST_DIGITS + 1)
# A QR code holds at most 4,296 characters; what is longer came from elsewhere.
_LONGEST = 4296
_GAPS = re.compile("[\\s\\-‐‑‒–—−_\u200b-\u200f\u2060\ufeff]+")

_PLACE_PATH = re.compile(r"/t/[0-9A-HJKMNP-TV-Z]{10}/?")
# WeChat shows 18 digits from 10 to 15, Alipay 16 to 24 from 25 to 30; no city begins like these.
_PAYMENT_DIGITS = re.compile(r"1[0-5][0-9]{16}|(?:2[5-9]|30)[0-9]{14,22}")
# Hints from codes as they were commonly seen, not from a published list: they only choose which
# sentence the lane shows, never a card.
HINTS = msgspec.json.decode(
    (Path(__file__).parent / "other_codes.json").read_bytes(),
    type=tuple[tuple[CodeKind, tuple[str, ...]], ...],
)


def new_movement_id(city: str) -> int:
    """13 digits. Try again when it is taken already."""
    if not _CITY.fullmatch(city):
        message = "a city is four digits of GB/T 2260"
        raise ValueError(message)
    return int(city) * _OWN + secrets.randbelow(_OWN)


def pass_number(movement_id: int, vault: Vault) -> str:
    body = f"{movement_id:0{_ID_DIGITS}d}"
    number = body + _decimal(vault.mac("pass", body.encode()))
    return number + check_digit(number)


def pass_numbers(movement_id: int, vault: Vault) -> list[str]:
    """Under every key of the ring, the current one first: older passes are still carried."""
    body = f"{movement_id:0{_ID_DIGITS}d}"
    tagged = (body + _decimal(mac) for mac in vault.macs("pass", body.encode()))
    return [number + check_digit(number) for number in tagged]


def read_pass(text: str, vault: Vault, city: str, keys: PublicKeys = NO_KEYS) -> int:
    """Either form of a pass; `keys` are for the offline one (`may_be_offline`).

    Raises Unprocessable: `not_a_pass` (with what it is), `pass_mistyped`, `pass_of_other_city`,
    `pass_forged`, and of the offline one `pass_malformed`, `pass_version_unknown`,
    `pass_key_unknown`.
    """
    number = _compact(text)
    kind = _classify(text, number)
    if kind == "pass" and len(number) != PASS_DIGITS:
        return _of_city(read_offline(number, keys).movement_id, city)
    if kind != "pass":
        if kind == "text" and _is_digits(number) and len(number) in _NEARLY:
            raise Unprocessable("pass_mistyped", digits=len(number), expected=PASS_DIGITS)
        raise Unprocessable("not_a_pass", kind=kind)
    if check_digit(number[:-1]) != number[-1]:
        raise Unprocessable("pass_mistyped", digits=len(number), expected=PASS_DIGITS)
    if number[: len(city)] != city:
        raise Unprocessable("pass_of_other_city", city=number[:4])
    body, tag = number[:_ID_DIGITS], number[_ID_DIGITS:-1]
    if not _one_matches(tag, vault.macs("pass", body.encode())):
        raise Unprocessable("pass_forged")
    return int(body)


def may_be_offline(text: str) -> bool:
    """Whether keys will be asked for. Cheap: lanes ask it of every scan."""
    return len(text) >= LEAST_DIGITS


def _of_city(movement_id: int, city: str) -> int:
    if not str(movement_id).startswith(city):
        raise Unprocessable("pass_of_other_city", city=str(movement_id)[:4])
    return movement_id


def classify(text: str) -> CodeKind:
    return _classify(text, _compact(text))


def group(number: str) -> str:
    """In fours, as it is printed and read aloud."""
    return " ".join(number[i : i + 4] for i in range(0, len(number), 4))


def check_digit(digits: str) -> str:
    """ISO 7064 MOD 11,10."""
    product = 10
    for digit in digits:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return str((11 - product) % 10)


def _classify(text: str, number: str) -> CodeKind:
    if _PAYMENT_DIGITS.fullmatch(number):
        return "payment_code"
    if _is_digits(number) and (len(number) == PASS_DIGITS or len(number) in _OFFLINE):
        return "pass"
    head = text[:_LONGEST].strip()
    path = _url_path(head)
    if path is not None and _PLACE_PATH.fullmatch(path):
        return "place_code"
    folded = head.lower()
    for kind, hints in HINTS:
        if any(hint in folded for hint in hints):
            return kind
    return "text" if path is None else "url"


def _url_path(text: str) -> str | None:
    try:
        url = urlsplit(text)
    except ValueError:
        return None
    return url.path if url.scheme in {"http", "https"} and url.netloc else None


def _compact(text: str) -> str:
    if _is_digits(text) and len(text) <= _LONGEST:
        return text  # as scanners send it
    return _GAPS.sub("", unicodedata.normalize("NFKC", text[:_LONGEST]))


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _decimal(mac: bytes) -> str:
    return f"{int.from_bytes(mac) % 10**_TAG_DIGITS:0{_TAG_DIGITS}d}"


def _one_matches(tag: str, macs: Iterable[bytes]) -> bool:
    return any(hmac.compare_digest(tag, _decimal(mac)) for mac in macs)
