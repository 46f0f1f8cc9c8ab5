"""The pass on paper, A6 or a strip of 80 mm: black alone, no grounds that heat a thermal head."""

from datetime import datetime

from msgspec import Struct

from registry.drawing import (
    BLACK,
    Box,
    Code,
    Drawing,
    Glyph,
    Mark,
    Rule,
    Text,
    ems,
    line,
    paragraph,
    qr_svg,
)
from registry.passes import group
from registry.sheets import CHINA, PassSheet, PassSize

#: 24 points.
PLATE = 8.467
_NUMBER, _OFFLINE = "扫这个 Scan this", "没有网络时扫这个 Scan offline"
_STEPS = (
    ("show", "卡口出示", "Show at checkpoint"),
    ("truck", "驶往目的地", "Drive there"),
    ("scan", "到达扫码", "Scan on arrival"),
)


class _Paper(Struct, frozen=True, kw_only=True):
    """`edge` is what printers leave white."""

    width: float
    edge: float

    @property
    def left(self) -> float:
        return self.edge

    @property
    def right(self) -> float:
        return self.width - self.edge

    @property
    def middle(self) -> float:
        return self.width / 2

    @property
    def inner(self) -> float:
        return self.width - 2 * self.edge


_PAPERS: dict[PassSize, _Paper] = {
    "a6": _Paper(width=105, edge=5),
    "80mm": _Paper(width=80, edge=4),
}


def pass_drawing(sheet: PassSheet, size: PassSize = "a6") -> Drawing:
    """A6 has a fixed height; a strip is as long as what stands on it."""
    paper = _PAPERS[size]
    marks = [*_head(paper), *_plates(sheet, paper)]
    codes, y = (_beside if size == "a6" else _below)(sheet, paper)
    marks += codes
    marks += _window(sheet, paper, y)
    y += 13
    for label, text in (("入口 Entry", sheet.checkpoint), ("目的地 To", sheet.destination)):
        if text:
            marks += _labelled(label, text, paper, y)
            y += 10
    foot = 131 if size == "a6" else y + 2
    marks += _strip(paper, foot)
    height = 148 if size == "a6" else foot + 24
    title = group(sheet.number)
    return Drawing(width=paper.width, height=height, title=title, marks=tuple(marks))


def _head(paper: _Paper) -> list[Mark]:
    return [
        _rule(paper, 5, thick=1),
        Text(x=paper.left, y=11.6, size=5.4, text="货车通行证", anchor="start"),
        Text(x=paper.right, y=11.4, size=3.8, text="TRUCK PASS", anchor="end"),
        _rule(paper, 14),
    ]


def _rule(paper: _Paper, y: float, thick: float = 0.3) -> Rule:
    return Rule(x=paper.left, y=y, to_x=paper.right, to_y=y, thick=thick)


def _plates(sheet: PassSheet, paper: _Paper) -> list[Mark]:
    plate = line(sheet.plate, x=paper.middle, y=26, size=PLATE, width=paper.inner - 6)
    wide = min(ems(sheet.plate) * PLATE, paper.inner - 6) + 6
    trailer = f"挂车 Trailer {sheet.trailer_plate}" if sheet.trailer_plate else ""
    return [
        Box(
            x=paper.middle - wide / 2, y=17, width=wide, height=12, line=BLACK, thick=0.8, round=1.5
        ),
        *plate,
        *line(trailer, x=paper.middle, y=33.4, size=3.8, width=paper.inner),
    ]


def _short_code(sheet: PassSheet, x: float, y: float, side: float) -> list[Mark]:
    code = Code(
        x=x, y=y, side=side, svg=qr_svg(sheet.number, error="q"), alt=f"Pass {group(sheet.number)}"
    )
    return [code, *_caption(_NUMBER, code)]


def _offline_code(sheet: PassSheet, x: float, y: float, side: float) -> list[Mark]:
    code = Code(
        x=x, y=y, side=side, svg=qr_svg(sheet.offline, error="m"), alt="Signed code, for no network"
    )
    return [code, *_caption(_OFFLINE, code)]


def _caption(text: str, code: Code) -> list[Mark]:
    middle = code.x + code.side / 2
    return line(text, x=middle, y=code.y + code.side + 2.6, size=2.8, width=code.side)


def _beside(sheet: PassSheet, paper: _Paper) -> tuple[list[Mark], float]:
    """Both codes in a row, the digits in one line; and how far down the sheet that reaches."""
    if sheet.offline:
        codes = [*_short_code(sheet, 5, 36, 43), *_offline_code(sheet, 50, 35, 50)]
    else:
        codes = _short_code(sheet, paper.middle - 25, 35, 50)
    digits = line(group(sheet.number), x=paper.middle, y=95.4, size=5.2, width=paper.inner)
    return [*codes, *digits], 98


def _below(sheet: PassSheet, paper: _Paper) -> tuple[list[Mark], float]:
    """One code below the other, the digits in two lines."""
    groups = group(sheet.number).split(" ")
    half = (len(groups) + 1) // 2
    marks = _short_code(sheet, paper.middle - 24, 35, 48)
    for at, part in enumerate((groups[:half], groups[half:])):
        marks += line(" ".join(part), x=paper.middle, y=94 + at * 8, size=7, width=paper.inner)
    if not sheet.offline:
        return marks, 105
    return [*marks, *_offline_code(sheet, paper.middle - 33, 104, 66)], 176


def _window(sheet: PassSheet, paper: _Paper, y: float) -> list[Mark]:
    shown = f"{_time(sheet.window_from)} — {_time(sheet.window_to)}"
    return [
        _rule(paper, y),
        Text(x=paper.left, y=y + 4, size=2.8, text="有效 Valid (北京时间)", anchor="start"),
        *line(shown, x=paper.left, y=y + 10, size=4.6, width=paper.inner, anchor="start"),
    ]


def _labelled(label: str, text: str, paper: _Paper, y: float) -> list[Mark]:
    """The label on the left, the name in up to two lines beside it."""
    return [
        _rule(paper, y),
        *line(label, x=paper.left, y=y + 5.8, size=3, width=23, anchor="start"),
        *paragraph(
            text,
            x=paper.left + 25,
            y=y + 0.8,
            width=paper.inner - 25,
            height=8.6,
            size=4.6,
            anchor="start",
        ),
    ]


def _strip(paper: _Paper, y: float) -> list[Mark]:
    wide = paper.inner / len(_STEPS)
    side = 8
    marks: list[Mark] = [_rule(paper, y)]
    for at, (name, chinese, english) in enumerate(_STEPS):
        middle = paper.left + (at + 0.5) * wide
        marks += [
            Glyph(x=middle - side / 2, y=y + 0.8, side=side, name=name),
            *line(f"{at + 1} {chinese}", x=middle, y=y + 11.4, size=2.7, width=wide - 1),
            *line(english, x=middle, y=y + 14, size=2.3, width=wide - 1),
        ]
    return marks


def _time(moment: datetime) -> str:
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")
