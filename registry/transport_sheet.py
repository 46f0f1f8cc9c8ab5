"""The transport pass on A4, to lie behind the windscreen: its number is read from outside."""

from datetime import datetime

from msgspec import Struct

from registry.drawing import BLACK, Box, Code, Drawing, Mark, Rule, Text, line, paragraph, qr_svg
from registry.sheets import CHINA, HOTLINE

WIDTH, HEIGHT, EDGE = 297, 210, 14
INNER = WIDTH - 2 * EDGE
MIDDLE = WIDTH / 2


class TransportSheet(Struct, frozen=True, kw_only=True):
    """`title` and `goods` in both languages; `url` is what the QR holds; times are aware."""

    title: str
    title_en: str
    number: str
    plate: str
    goods: str
    goods_en: str
    carrier: str
    valid_from: datetime
    valid_until: datetime
    url: str


def transport_drawing(sheet: TransportSheet) -> Drawing:
    marks: list[Mark] = [
        Box(x=5, y=5, width=WIDTH - 10, height=HEIGHT - 10, line=BLACK, thick=1.6, round=4),
        *line(sheet.title, x=MIDDLE, y=30, size=17, width=INNER),
        *line(sheet.title_en, x=MIDDLE, y=41, size=7, width=INNER),
        Rule(x=EDGE, y=47, to_x=WIDTH - EDGE, to_y=47, thick=1),
        *line(f"No. {sheet.number}", x=MIDDLE, y=66, size=16, width=INNER),
        Box(x=EDGE, y=74, width=150, height=38, line=BLACK, thick=1.4, round=4),
        *line(sheet.plate, x=EDGE + 75, y=102, size=26, width=142),
        Code(
            x=WIDTH - EDGE - 78, y=74, side=78, svg=qr_svg(sheet.url, error="q"), alt=sheet.number
        ),
    ]
    rows = (
        ("货物 Goods", f"{sheet.goods} {sheet.goods_en}"),
        ("单位 Carrier", sheet.carrier or "—"),
        ("有效 Valid (北京时间)", f"{_time(sheet.valid_from)} — {_time(sheet.valid_until)}"),
    )
    for number, (label, text) in enumerate(rows):
        y = 118 + number * 14
        marks += [
            Text(x=EDGE, y=y + 7, size=4.4, text=label, anchor="start"),
            *paragraph(text, x=EDGE + 44, y=y, width=132, height=12, size=6, anchor="start"),
        ]
    marks += [
        Rule(x=EDGE, y=166, to_x=WIDTH - EDGE, to_y=166, thick=0.6),
        *line(
            "三严禁两不得 · 符合条件的不得劝返 · 免费优先通行",
            x=MIDDLE,
            y=179,
            size=9,
            width=INNER,
        ),
        *line(
            f"Free and first, never to be turned back while it meets the rules · {HOTLINE}",
            x=MIDDLE,
            y=190,
            size=6,
            width=INNER,
        ),
    ]
    title = f"{sheet.title} {sheet.number}"
    return Drawing(width=WIDTH, height=HEIGHT, title=title, marks=tuple(marks))


def _time(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")
