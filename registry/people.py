"""Identity documents, phone numbers and names as people write them.

The resident number follows GB 11643 with the check character of ISO 7064 MOD 11-2. The region in
its first six digits is only a hint: people keep the numbers of districts that were abolished, and
residents of Hong Kong, Macau and Taiwan and foreign permanent residents have codes of their own.
No error carries the number, the phone or the name itself.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Literal, get_args

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType

from kernel.errors import Malformed, Unprocessable

IdType = Literal[
    "resident", "passport", "hk_macau_permit", "taiwan_permit", "foreign_permanent", "other"
]

ID_TYPES: tuple[IdType, ...] = get_args(IdType)

_GAPS = re.compile(r"[\s\-‐‑‒–—−()·.]+")
_RESIDENT = re.compile(r"[1-9][0-9]{16}[0-9X]")
_OLD_RESIDENT = re.compile(r"[1-9][0-9]{14}")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"

# Shapes only: none of these has a public check digit that all issues carry.
_SHAPES: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "passport": re.compile(r"(?=.*[0-9])[A-Z0-9]{6,12}"),
        "hk_macau_permit": re.compile(r"[HM](?:[0-9]{8}|[0-9]{10})"),
        "taiwan_permit": re.compile(r"[0-9]{8}|[0-9]{10}[A-Z]?"),
        "foreign_permanent": re.compile(r"[A-Z]{3}[0-9]{12}"),
        "other": re.compile(r"(?=.*[0-9])[A-Z0-9]{5,20}"),
    }
)

_DIALLED = re.compile(r"\+?[0-9]{3,18}")
# phonenumbers' own data lags behind newly opened ranges: any mobile of this form is taken.
_MOBILE = re.compile(r"(?:(?:\+|00)?86)?(1[3-9][0-9]{9})")
_MAINLAND = 86
_COUNTRIES = frozenset({_MAINLAND, 852, 853, 886})
_TYPES = frozenset(
    {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
)

_DOTS = re.compile("[•・∙⋅‧]")
# A full stop between two Han characters is the dot of a name, typed on a phone.
_HAN_STOP = re.compile("(?<=[㐀-鿿])\\.(?=[㐀-鿿])")
_NAME_LENGTH = 50
_NAME_SIGNS = frozenset("·. '’-〇")
# Rare characters are newer than the Unicode tables of the Python that runs us.
_RARE_HAN = range(0x20000, 0x40000)
_LETTERS = ("L", "M")


def check_id_number(text: str, *, today: date) -> str:
    """Raises Unprocessable: `id_15_digits`, `id_malformed`, `id_check_digit`, `id_birth_date`."""
    number = _compact(text)
    if _OLD_RESIDENT.fullmatch(number):
        raise Unprocessable("id_15_digits")
    if not _RESIDENT.fullmatch(number):
        raise Unprocessable("id_malformed", length=len(number))
    if number[-1] != check_character(number[:-1]):
        raise Unprocessable("id_check_digit")
    if birth_date(number) > today:
        raise Unprocessable("id_birth_date")
    return number


def check_document(id_type: str, text: str, *, today: date) -> str:
    """Any document; a resident or permanent residence card of 18 digits is checked in full.

    Raises Malformed `id_type_unknown`, Unprocessable `document_malformed` and those of
    `check_id_number`.
    """
    if id_type == "resident":
        return check_id_number(text, today=today)
    if id_type not in _SHAPES:
        raise Malformed("id_type_unknown", known=["resident", *_SHAPES])
    number = _compact(text)
    if id_type == "foreign_permanent" and _RESIDENT.fullmatch(number):
        return check_id_number(number, today=today)
    if not _SHAPES[id_type].fullmatch(number):
        raise Unprocessable("document_malformed", id_type=id_type)
    return number


def check_character(digits: str) -> str:
    """ISO 7064 MOD 11-2 over the first seventeen digits."""
    total = sum(int(d) * w for d, w in zip(digits, _WEIGHTS, strict=True))
    return _CHECK_CHARACTERS[total % 11]


def birth_date(number: str) -> date:
    """Raises Unprocessable: `id_birth_date` when there is no such day."""
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError as error:
        raise Unprocessable("id_birth_date") from error


def region_hint(number: str) -> str:
    """The six digits of the district that first issued the number. It may no longer exist."""
    return number[:6]


def check_phone(text: str) -> str:
    """E.164, mobile or fixed; without a country code it is taken as mainland China's.

    Raises Unprocessable: `phone_malformed`, `phone_country`, `phone_kind`.
    """
    number = _compact(text)
    if found := _MOBILE.fullmatch(number):
        return f"+{_MAINLAND}{found[1]}"
    if not _DIALLED.fullmatch(number):
        raise Unprocessable("phone_malformed")
    parsed = _parse_phone(number)
    if parsed.country_code not in _COUNTRIES:
        # Messages to arbitrary countries are a bill that a stranger can run up.
        raise Unprocessable("phone_country", country_code=parsed.country_code)
    if not phonenumbers.is_valid_number(parsed):
        raise Unprocessable("phone_malformed")
    if phonenumbers.number_type(parsed) not in _TYPES:
        raise Unprocessable("phone_kind")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _parse_phone(number: str) -> PhoneNumber:
    try:
        return phonenumbers.parse(number, "CN")
    except NumberParseException as error:
        raise Unprocessable("phone_malformed") from error


def check_name(text: str) -> str:
    """Raises Unprocessable: `name_missing`, `name_too_long`, `name_malformed`."""
    dotted = _HAN_STOP.sub("·", _DOTS.sub("·", unicodedata.normalize("NFKC", text)))
    name = " ".join(dotted.split())
    if not name:
        raise Unprocessable("name_missing")
    if len(name) > _NAME_LENGTH:
        raise Unprocessable("name_too_long", most=_NAME_LENGTH)
    # A first character that is a letter also keeps formulas out of spreadsheets.
    if not _is_letter(name[0]) or not all(_is_letter(c) or c in _NAME_SIGNS for c in name):
        raise Unprocessable("name_malformed")
    return name


def _is_letter(character: str) -> bool:
    if ord(character) in _RARE_HAN or character == "〇":
        return True
    return unicodedata.category(character).startswith(_LETTERS)


def _compact(text: str) -> str:
    return _GAPS.sub("", unicodedata.normalize("NFKC", text)).upper()
