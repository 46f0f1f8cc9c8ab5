"""The particulars of an application: put in order, and everything that is wrong with them.

Vague applications were the bulk of what reviewers had to send back (seed 001); they are refused
here before anybody has to read them. Pure: the page and the API say the same.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from kernel.errors import Malformed, Refused, Unprocessable
from registry.model import PlaceKind
from registry.people import check_name, check_phone
from registry.venue_kinds import check_category

#: Two kinds have a dedicated code for trucks, the third a common one for people.
KINDS = (PlaceKind.CHECKPOINT, PlaceKind.DESTINATION, PlaceKind.VENUE)
SHORTEST_NAME = 4
SHORTEST_ADDRESS = 6
LONGEST = 200
MOST_GATES = 64
LONGEST_GATE = 40
_CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{10}")

#: Names that say what a place is and not which one.
# fmt: off
NOUNS = frozenset((
    "仓库", "公司", "工厂", "物流园", "物流园区", "物流公司", "物流中心", "货运公司",
    "运输公司", "有限公司", "食品公司", "商贸公司", "食品工厂", "加工厂", "批发市场",
    "农贸市场", "产业园", "产业园区", "工业园", "工业园区", "配送中心", "冷链仓库", "交通卡口",
    "检查站", "检查点", "收费站", "高速路口", "高速下站口", "高速出口", "目的地单位",
    "目的地场所", "warehouse", "company", "factory", "depot", "checkpoint", "market",
))
# fmt: on


class Application(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`district` is the six-digit code; `gates` names each gate that gets a code of its own. A shop
    names the place it lies `within`, by the ten characters under that place's code.
    """

    kind: str = ""
    category: str = ""
    name: str = ""
    district: str = ""
    address: str = ""
    gates: tuple[str, ...] = ()
    within: str = ""
    contact_name: str = ""
    contact_phone: str = ""


class Fault(Struct, frozen=True):
    field: str
    refused: Refused


def check_application(said: Application) -> tuple[Application, list[Fault]]:
    """The application put in order, and everything that is wrong with it."""
    faults: list[Fault] = []

    def read(field: str, check: Callable[[], Any], otherwise: Any) -> Any:  # noqa: ANN401 - as the field
        try:
            return check()
        except Refused as refused:
            faults.append(Fault(field, refused))
            return otherwise

    checked = Application(
        kind=read("kind", lambda: _kind(said.kind), said.kind),
        category=read("category", lambda: _category(said.category, said.kind), said.category),
        name=read("name", lambda: check_place_name(said.name), said.name),
        district=_clean(said.district),
        address=read("address", lambda: check_address(said.address), said.address),
        gates=read("gates", lambda: _gates(said.gates), said.gates),
        within=read("within", lambda: _within(said.within, said.kind), said.within),
        contact_name=read("contact_name", lambda: check_name(said.contact_name), ""),
        contact_phone=read("contact_phone", lambda: check_phone(said.contact_phone), ""),
    )
    return checked, faults


def _clean(text: str) -> str:
    printable = (c for c in unicodedata.normalize("NFC", text) if c.isprintable() or c.isspace())
    return " ".join("".join(printable).split())[:LONGEST]


def _kind(text: str) -> str:
    if text not in KINDS:
        raise Malformed("kind_not_offered", known=[kind.value for kind in KINDS])
    return text


def _category(text: str, kind: str) -> str:
    if not _clean(text):
        raise Unprocessable("category_missing")
    return check_category(_clean(text)) if kind == PlaceKind.VENUE else _clean(text)


def _within(text: str, kind: str) -> str:
    """The characters alone, or the whole address that stands under the code."""
    code = _clean(text).rstrip("/").rpartition("/")[2].upper().replace("-", "").replace(" ", "")
    if kind != PlaceKind.VENUE or not code:
        return ""
    if not _CODE.fullmatch(code):
        raise Unprocessable("within_malformed")
    return code


def check_place_name(text: str) -> str:
    """Raises Unprocessable `name_vague`."""
    name = _clean(text)
    if len(name) < SHORTEST_NAME or name.casefold() in NOUNS:
        raise Unprocessable("name_vague")
    return name


def check_address(text: str) -> str:
    """Raises Unprocessable `address_vague`."""
    address = _clean(text)
    if len(address) < SHORTEST_ADDRESS:
        raise Unprocessable("address_vague")
    return address


def _gates(said: Iterable[str]) -> tuple[str, ...]:
    gates = tuple(gate for gate in (_clean(each) for each in said) if gate)
    if not gates:
        raise Unprocessable("gates_missing")
    if len(gates) > MOST_GATES:
        raise Unprocessable("too_many_gates", most=MOST_GATES)
    if len({gate.casefold() for gate in gates}) < len(gates):
        raise Unprocessable("gate_twice")
    if max(map(len, gates)) > LONGEST_GATE:
        raise Unprocessable("gate_too_long", most=LONGEST_GATE)
    return gates
