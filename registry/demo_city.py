"""What the demo city consists of. Checkpoints and districts are real; firms are made up."""

import csv
import hashlib
from pathlib import Path

from msgspec import Struct

from registry.bodies import RECEIVING

DATA = Path(__file__).parents[1] / "data"

LANES = ("1号车道", "2号车道", "3号车道", "4号车道")
FIRM_GATES = ("东门", "西门")
SHORTEST_DRIVE, LONGEST_DRIVE = 20, 150

#: Name, category, district.
FIRMS = (
    ("杞县大蒜交易市场（示例）", "wholesale_market", "410221"),
    ("杞县惠民面粉厂（示例）", "flour_mill", "410221"),
    ("龙亭湖食品加工厂（示例）", "food_factory", "410202"),
    ("龙亭医药配送中心（示例）", "medical_depot", "410202"),
    ("顺河冷链物流园（示例）", "logistics_park", "410203"),
    ("鼓楼邮件处理中心（示例）", "mail_centre", "410204"),
    ("禹王台农产品批发市场（示例）", "wholesale_market", "410205"),
    ("祥符粮食储备库（示例）", "grain_store", "410212"),
    ("祥符汽车零部件厂（示例）", "parts_factory", "410212"),
    ("通许玻璃制品厂（示例）", "glass_works", "410222"),
    ("尉氏纺织产业园（示例）", "industrial_park", "410223"),
    ("兰考家居产业园（示例）", "industrial_park", "410225"),
)


#: Name, kind of venue, doors; the first is a mall, in which the second lies.
MALL = "mall"
VENUES = (
    ("杞县万家商场（示例）", MALL, ("东门", "西门", "地下车库")),
    ("杞县好味小吃店（示例）", "shop", ("店门",)),
    ("连霍高速杞县服务区（示例）", "service_area", ("综合楼", "加油站")),
    ("杞县第一小学（示例）", "school", ("校门",)),
)


class Spot(Struct, frozen=True, kw_only=True):
    kind: str
    category: str
    name: str
    district_code: str
    road: str
    address: str
    gates: tuple[str, ...]
    source: str


def read_districts() -> list[tuple[str, str]]:
    return [(row["code"], row["name"]) for row in _read("districts-kaifeng.csv")]


def read_checkpoints() -> list[Spot]:
    return [
        Spot(
            kind="checkpoint",
            category=row["kind"],
            name=row["name"],
            district_code=row["district_code"],
            road=row["road"],
            address="",
            gates=LANES,
            source=row["source"],
        )
        for row in _read("checkpoints-qixian.csv")
    ]


def firms() -> list[Spot]:
    return [
        Spot(
            kind="destination",
            category=category,
            name=name,
            district_code=district,
            road="",
            address=f"示例路{number}号（虚构地址）",
            gates=FIRM_GATES,
            source="demo",
        )
        for number, (name, category, district) in enumerate(FIRMS, 1)
    ]


def receiving() -> list[Spot]:
    """Who takes over somebody who is held."""
    return [
        Spot(
            kind="venue",
            category=RECEIVING,
            name="杞县集中观察点（示例）",
            district_code="410221",
            road="",
            address="示例路99号（虚构地址）",
            gates=(),
            source="demo",
        )
    ]


def venues() -> list[Spot]:
    """Ordinary places with common codes: a mall, a shop within it, a service area, a school."""
    return [
        Spot(
            kind="venue",
            category=category,
            name=name,
            district_code="410221",
            road="",
            address=f"示例大街{number}号（虚构地址）",
            gates=gates,
            source="demo",
        )
        for number, (name, category, gates) in enumerate(VENUES, 1)
    ]


def made_up_minutes(a: str, b: str) -> int:
    """The same for both directions and at every installation; not a real distance."""
    digest = hashlib.sha256("|".join(sorted((a, b))).encode()).digest()
    span = LONGEST_DRIVE - SHORTEST_DRIVE + 1
    return SHORTEST_DRIVE + int.from_bytes(digest[:4]) % span


def _read(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
