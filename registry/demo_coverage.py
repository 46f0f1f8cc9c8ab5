"""The demo city's ledger of places that should have a code: its own firms, and made-up shops."""

from datetime import datetime
from uuid import uuid4

from kernel.auth import Actor
from kernel.db import Connection
from kernel.i18n import LOCAL_ZONE
from registry.coverage_imports import Listed, import_due
from registry.demo_city import FIRMS

#: Street office, its kind of shop, the office of that trade.
STREETS = ("城关街道（示例）", "东关街道（示例）", "西湖镇（示例）")
TRADES = (
    ("烩面馆", "商务局"),
    ("药店", "市场监督管理局"),
    ("培训机构", "教育体育局"),
    ("网吧", "文旅局"),
)
SHOPS = 24
LIST = "市场主体台账（示例）"
OFFICE = "市场监督管理局（示例）"


async def seed_ledger(conn: Connection, now: datetime) -> None:
    """Once: a ledger that somebody works in is left as it is."""
    if await conn.fetchval("SELECT EXISTS (SELECT 1 FROM registry.due_place)"):
        return
    names = {
        row["code"]: row["name"]
        for row in await conn.fetch("SELECT code, name FROM registry.district")
    }
    lines = ["名称,辖区,镇办,行业主管部门,地址"]
    for number, (name, _, district) in enumerate(FIRMS, 1):
        street = STREETS[number % len(STREETS)]
        lines.append(f"{name},{names[district]},{street},工信局,示例路{number}号（虚构地址）")
    for number in range(1, SHOPS + 1):
        shop, trade = TRADES[number % len(TRADES)]
        district = names[FIRMS[number % len(FIRMS)][2]]
        street = STREETS[number % len(STREETS)]
        lines.append(f"示例{shop}{number}号店,{district},{street},{trade},示例街{number}号")
    said = Listed(source=LIST, office=OFFICE, as_of=now.astimezone(LOCAL_ZONE).date())
    nobody = Actor(id=uuid4(), kind="system", name="demo", roles=frozenset())
    data = "\n".join(lines).encode()
    await import_due(conn, data, "text/csv", said, dry_run=False, actor=nobody, now=now)
