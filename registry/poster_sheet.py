"""The poster of a gate. A truck's own code has a blue band with a truck; a common code has a grey
double frame and a door, so that the two differ on a photocopy as well.
"""

import math

from msgspec import Struct

from registry.drawing import (
    BLACK,
    BLUE,
    GREY,
    WHITE,
    Box,
    Code,
    Drawing,
    Glyph,
    Mark,
    Rule,
    Text,
    bare_side,
    ems,
    line,
    paragraph,
    printable,
    qr_svg,
)
from registry.sheets import Poster, PosterSize, short_number

WIDTH, HEIGHT = 210, 297
_SCALES: dict[PosterSize, float] = {"a4": 1, "a3": math.sqrt(2)}
_LEFT, _RIGHT, _TOP, _BOTTOM = 7, 203, 7, 290
_MIDDLE, _TEXT_WIDTH = WIDTH / 2, 178
_SIDE = 162
#: A code is read from about ten times its side.
_READS_FROM = 10


class _Step(Struct, frozen=True):
    glyph: str
    chinese: str
    english: str


class _Kind(Struct, frozen=True, kw_only=True):
    chinese: str
    tag: str
    english: str
    glyph: str
    colour: str
    steps: tuple[_Step, _Step, _Step]


_KINDS = {
    "checkpoint": _Kind(
        chinese="专属场所码",
        tag="交通卡口",
        english="TRUCKS: SCAN AT THIS CHECKPOINT",
        glyph="truck",
        colour=BLUE,
        steps=(
            _Step("scan", "扫码", "Scan"),
            _Step("report", "填写报备", "Report the trip"),
            _Step("show", "向卡口出示", "Show the pass"),
        ),
    ),
    "destination": _Kind(
        chinese="专属场所码",
        tag="目的地",
        english="TRUCKS: SCAN WHEN YOU ARRIVE",
        glyph="truck",
        colour=BLUE,
        steps=(
            _Step("arrive", "到门口停车", "Stop at the gate"),
            _Step("scan", "扫码", "Scan"),
            _Step("confirm", "请门卫确认", "Gatekeeper confirms"),
        ),
    ),
    "venue": _Kind(
        chinese="场所码",
        tag="人员进出",
        english="PEOPLE: SCAN WHEN YOU ENTER",
        glyph="enter",
        colour=GREY,
        steps=(
            _Step("scan", "扫码", "Scan"),
            _Step("report", "登记", "Sign in"),
            _Step("enter", "进入", "Enter"),
        ),
    ),
}


def poster_drawing(poster: Poster, size: PosterSize = "a4") -> Drawing:
    kind, scale = _KINDS[poster.kind], _SCALES[size]
    code = Code(
        x=(WIDTH - _SIDE) / 2,
        y=79,
        side=_SIDE,
        svg=qr_svg(poster.url, error="q"),
        alt=f"{short_number(poster.code)} {poster.url}",
    )
    marks = [
        *(_band(kind) if poster.kind != "venue" else _double_frame(kind)),
        *_heading(kind, ground=poster.kind != "venue"),
        *paragraph(poster.place, x=_MIDDLE, y=42.5, width=_TEXT_WIDTH, height=20, size=14.5),
        *_plaque(poster.gate, kind.colour),
        code,
        *_numbers(poster),
        *_strip(kind),
        *_foot(poster, bare_side(code) * scale),
    ]
    title = printable(f"{poster.place} {poster.gate}").strip()
    return Drawing(width=WIDTH, height=HEIGHT, title=title, marks=tuple(marks), scale=scale)


def reading_distance(side: float) -> float:
    """Metres, to the tenth below, for a code of `side` millimetres without its quiet zone."""
    return math.floor(side * _READS_FROM / 100) / 10


def _band(kind: _Kind) -> list[Mark]:
    wide, high = _RIGHT - _LEFT - 4, _BOTTOM - _TOP - 4
    return [
        Box(x=_LEFT + 2, y=_TOP + 2, width=wide, height=high, line=kind.colour, thick=4, round=3),
        Box(x=_LEFT + 2, y=_TOP + 2, width=wide, height=33, fill=kind.colour),
    ]


def _double_frame(kind: _Kind) -> list[Mark]:
    frames: list[Mark] = [
        Box(
            x=_LEFT + inset,
            y=_TOP + inset,
            width=_RIGHT - _LEFT - 2 * inset,
            height=_BOTTOM - _TOP - 2 * inset,
            line=kind.colour,
            thick=1,
        )
        for inset in (0.5, 3)
    ]
    return [*frames, Rule(x=10, y=42, to_x=200, to_y=42, thick=1, colour=kind.colour)]


def _heading(kind: _Kind, *, ground: bool) -> list[Mark]:
    """The name of the code, its tag turned inside out, and English below."""
    ink, paper = (WHITE, kind.colour) if ground else (BLACK, WHITE)
    left = 49
    tag_left = left + ems(kind.chinese) * 16 + 5
    tag_wide = ems(kind.tag) * 9.5 + 6
    return [
        Glyph(x=14, y=9, side=31, name=kind.glyph, colour=ink),
        Text(x=left, y=25.5, size=16, text=kind.chinese, anchor="start", colour=ink),
        Box(x=tag_left, y=13, width=tag_wide, height=14.5, fill=ink, round=1.5),
        Text(x=tag_left + tag_wide / 2, y=23.6, size=9.5, text=kind.tag, colour=paper),
        Text(x=left, y=36, size=6.2, text=kind.english, anchor="start", colour=ink),
    ]


def _plaque(gate: str, colour: str) -> list[Mark]:
    """The gate's name, light upon dark."""
    name = line(gate, x=_MIDDLE, y=73.9, size=9.5, width=_TEXT_WIDTH - 12, colour=WHITE)
    if not name or not isinstance(name[0], Text):
        return []
    wide = min(ems(name[0].text) * name[0].size, _TEXT_WIDTH - 12) + 12
    ground = Box(x=_MIDDLE - wide / 2, y=63.5, width=wide, height=14, fill=colour, round=2)
    return [ground, *name]


def _numbers(poster: Poster) -> list[Mark]:
    return [
        Text(x=16, y=246.5, size=3.6, text="编号 Code number", anchor="start", colour=GREY),
        Text(x=16, y=256, size=9, text=short_number(poster.code), anchor="start"),
        Text(x=194, y=246.5, size=3.6, text="热线 Hotline", anchor="end", colour=GREY),
        *line(poster.hotline, x=194, y=256, size=9, width=70, anchor="end"),
    ]


def _strip(kind: _Kind) -> list[Mark]:
    """Three pictures, numbered, each with its words in both languages."""
    top, wide = 260, 62
    marks: list[Mark] = [Rule(x=12, y=top, to_x=198, to_y=top, thick=0.5, colour=kind.colour)]
    for at, step in enumerate(kind.steps):
        left = 13 + at * wide
        words = left + 19
        marks += [
            Glyph(x=left + 1, y=top + 1.8, side=16, name=step.glyph),
            Text(x=words, y=top + 8.6, size=5.4, text=f"{at + 1} {step.chinese}", anchor="start"),
            *line(
                step.english,
                x=words,
                y=top + 14.4,
                size=3.9,
                width=wide - 20,
                anchor="start",
                colour=GREY,
            ),
        ]
    return marks


def _foot(poster: Poster, side: float) -> list[Mark]:
    metres = f"{reading_distance(side):.1f}"
    far = f"{metres} 米内可扫 Reads within {metres} m"
    issued = f"签发 Issued {poster.issued_on.isoformat()}" if poster.issued_on else ""
    help_ = "没有手机,请找工作人员 No phone? Ask the staff"
    return [
        Text(x=13, y=284, size=3.3, text=far, anchor="start", colour=GREY),
        Text(x=_MIDDLE + 8, y=284, size=3.3, text=help_, colour=GREY),
        *line(issued, x=197, y=284, size=3.3, width=50, anchor="end", colour=GREY),
    ]
