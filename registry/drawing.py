"""Sheets of paper as lists of marks: what is to be drawn, before it is known by whom.

One drawing becomes an SVG for the screen here and a page of a PDF in `printing`, so the two are
the same sheet. Lengths are millimetres from the upper left corner. Fonts come in one weight only;
rank is shown by size, rules and inversion.
"""

import math
import unicodedata
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

import segno
from msgspec import Struct

PRINT = Path(__file__).parent / "print"
ErrorLevel = Literal["l", "m", "q", "h"]
Anchor = Literal["start", "middle", "end"]

BLUE, BLACK, GREY, WHITE = "#0b4ea2", "#111111", "#4a5560", "#ffffff"
QUIET_ZONE = 4
#: One line to the next, in heights of the text.
LEADING = 1.22
_SMALLEST, _STEP = 2.5, 0.25
_CLOSING = frozenset("，。、；：！？）》」』”’")
_FONT = "'Noto Sans SC','PingFang SC','Microsoft YaHei','WenQuanYi Micro Hei',sans-serif"
_GLYPH_SIDE = 64
_HEAD, _TAIL = ">", "</svg>"


class Text(Struct, frozen=True, kw_only=True, tag="text"):
    """One line; `y` is its baseline, `turn` degrees clockwise around its anchor."""

    x: float
    y: float
    size: float
    text: str
    anchor: Anchor = "middle"
    colour: str = BLACK
    turn: int = 0


class Box(Struct, frozen=True, kw_only=True, tag="box"):
    """Empty colours draw nothing; the line lies in the middle of the edge."""

    x: float
    y: float
    width: float
    height: float
    fill: str = ""
    line: str = ""
    thick: float = 0.5
    round: float = 0


class Rule(Struct, frozen=True, kw_only=True, tag="rule"):
    x: float
    y: float
    to_x: float
    to_y: float
    thick: float = 0.4
    colour: str = BLACK
    dashed: bool = False


class Glyph(Struct, frozen=True, kw_only=True, tag="glyph"):
    """A picture of print/glyphs in one colour."""

    x: float
    y: float
    side: float
    name: str
    colour: str = BLACK


class Code(Struct, frozen=True, kw_only=True, tag="code"):
    """A QR code with its quiet zone inside `side`; `svg` is drawn upon nothing but white."""

    x: float
    y: float
    side: float
    svg: str
    alt: str


Mark = Text | Box | Rule | Glyph | Code


class Drawing(Struct, frozen=True, kw_only=True):
    """`scale` enlarges the whole sheet: A4 by the root of two is A3."""

    width: float
    height: float
    title: str
    marks: tuple[Mark, ...]
    scale: float = 1


def qr_svg(text: str, *, error: ErrorLevel = "m") -> str:
    """An `svg` element without a size of its own: the page that holds it says how large it is."""
    code = segno.make(text, error=error, micro=False, boost_error=False)
    drawn = BytesIO()
    code.save(
        drawn,
        kind="svg",
        border=QUIET_ZONE,
        light="#fff",
        omitsize=True,
        xmldecl=False,
        nl=False,
        svgclass=None,
        lineclass=None,
    )
    return drawn.getvalue().decode()


def bare_side(code: Code) -> float:
    """The side of a code without its quiet zone, in millimetres."""
    modules = int(code.svg.partition('viewBox="0 0 ')[2].partition(" ")[0])
    return code.side * (modules - 2 * QUIET_ZONE) / modules


def printable(text: str) -> str:
    """XML has no way at all to write the control characters, lone surrogates and U+FFFE, U+FFFF."""
    return "".join(
        c for c in text if unicodedata.category(c) not in {"Cc", "Cs"} and c not in "\ufffe\uffff"
    )


def ems(text: str) -> float:
    """How wide a line is, in heights of the text; rather too wide than too narrow."""
    return sum(_em(character) for character in text)


def _em(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WFA":
        return 1
    return 0.57 if character.isascii() and not character.isupper() else 0.68


def line(text: str, *, x: float, y: float, size: float, width: float, **more: object) -> list[Mark]:
    """One line, made smaller if it would be wider than `width`; nothing for no text."""
    shown = printable(text)
    if not shown.strip():
        return []
    fitting = min(size, width / ems(shown))
    return [Text(x=x, y=y, size=round(fitting, 3), text=shown, **more)]  # type: ignore[arg-type]


def fitted(text: str, *, width: float, height: float, size: float) -> tuple[list[str], float]:
    """The lines of a text and the largest size, up to `size`, at which they fit. What does not
    fit at the smallest size is cut, and ends with an ellipsis.
    """
    shown = printable(text).strip()
    long = ems(shown)
    while size > _SMALLEST:
        # Looked at before any line is broken: long names would cost dear otherwise.
        if max(1, math.ceil(long * size / width)) * size * LEADING <= height:
            lines = _wrapped(shown, width / size)
            if len(lines) * size * LEADING <= height:
                return lines, size
        size -= _STEP
    lines = _wrapped(shown, width / _SMALLEST)
    most = max(1, int(height / (_SMALLEST * LEADING)))
    if len(lines) <= most:
        return lines, _SMALLEST
    kept = _as_many_as_fit(lines[most - 1], width / _SMALLEST - 1)
    return [*lines[: most - 1], lines[most - 1][:kept] + "…"], _SMALLEST


def _wrapped(text: str, most: float) -> list[str]:
    """Lines of at most `most` ems, as even as they come; words stay whole if they can."""
    count = max(1, -(-ems(text) // most))
    lines = _broken(text, min(most, ems(text) / count + 0.5))
    return lines if len(lines) <= count else _broken(text, most)


def _broken(text: str, most: float) -> list[str]:
    lines = [""]
    for piece in _pieces(text):
        if ems(lines[-1] + piece.rstrip()) > most and lines[-1]:
            lines.append("")
        lines[-1] += piece
        while ems(lines[-1]) > most and len(lines[-1].rstrip()) > 1:
            kept = _as_many_as_fit(lines[-1], most)
            lines[-1:] = [lines[-1][:kept], lines[-1][kept:]]
    return [each.strip() for each in lines if each.strip()] or [""]


def _pieces(text: str) -> list[str]:
    pieces = [""]
    for character in text:
        if character in _CLOSING and len(pieces) > 1:
            # Never the first of a line; it stays with what it closes.
            pieces[-2 if not pieces[-1] else -1] += character
            continue
        wide = unicodedata.east_asian_width(character) in "WFA"
        if wide or (pieces[-1].endswith((" ", "-")) and character != " "):
            pieces.append("")
        pieces[-1] += character
        if wide:
            pieces.append("")
    return [piece for piece in pieces if piece]


def _as_many_as_fit(text: str, most: float) -> int:
    kept = 1
    while kept < len(text) and ems(text[: kept + 1]) <= most:
        kept += 1
    return kept


def paragraph(
    text: str,
    *,
    x: float,
    y: float,
    width: float,
    height: float,
    size: float,
    anchor: Anchor = "middle",
    colour: str = BLACK,
) -> list[Mark]:
    """A text in as many lines as it needs, in the middle of the height that it is given."""
    lines, fitting = fitted(text, width=width, height=height, size=size)
    first = y + (height - len(lines) * fitting * LEADING) / 2 + fitting * 1.0
    return [
        Text(
            x=x,
            y=round(first + at * fitting * LEADING, 3),
            size=fitting,
            text=each,
            anchor=anchor,
            colour=colour,
        )
        for at, each in enumerate(lines)
        if each
    ]


@cache
def glyph_svg(name: str, colour: str) -> str:
    drawn = (PRINT / "glyphs" / f"{name}.svg").read_text("utf-8").strip()
    return drawn.replace("currentColor", colour)


def to_svg(drawing: Drawing) -> str:
    """An A4 sheet stays A4 when it is printed: the size is in millimetres."""
    wide, high = f"{drawing.width:g}", f"{drawing.height:g}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" '
        f'width="{drawing.width * drawing.scale:g}mm" '
        f'height="{drawing.height * drawing.scale:g}mm" '
        f'font-family="{_FONT}"><title>{_xml(drawing.title.strip())}</title>'
        f'<rect width="{wide}" height="{high}" fill="{WHITE}"/>'
        f"{''.join(_svg(mark) for mark in drawing.marks)}</svg>"
    )


def _svg(mark: Mark) -> str:
    match mark:
        case Text():
            turn = f' transform="rotate({mark.turn} {mark.x:g} {mark.y:g})"' if mark.turn else ""
            return (
                f'<text x="{mark.x:g}" y="{mark.y:g}" font-size="{mark.size:g}" '
                f'text-anchor="{mark.anchor}" fill="{mark.colour}"{turn}>{_xml(mark.text)}</text>'
            )
        case Box():
            edge = f' stroke="{mark.line}" stroke-width="{mark.thick:g}"' if mark.line else ""
            return (
                f'<rect x="{mark.x:g}" y="{mark.y:g}" width="{mark.width:g}" '
                f'height="{mark.height:g}" rx="{mark.round:g}" fill="{mark.fill or "none"}"{edge}/>'
            )
        case Rule():
            dash = ' stroke-dasharray="3 2"' if mark.dashed else ""
            return (
                f'<line x1="{mark.x:g}" y1="{mark.y:g}" x2="{mark.to_x:g}" y2="{mark.to_y:g}" '
                f'stroke="{mark.colour}" stroke-width="{mark.thick:g}"{dash}/>'
            )
        case Glyph():
            inner = glyph_svg(mark.name, mark.colour).partition(_HEAD)[2].removesuffix(_TAIL)
            return (
                f'<g transform="translate({mark.x:g} {mark.y:g}) '
                f'scale({mark.side / _GLYPH_SIDE:.5g})" fill="none">{inner}</g>'
            )
        case Code():
            place = f'x="{mark.x:g}" y="{mark.y:g}" width="{mark.side:g}" height="{mark.side:g}"'
            return mark.svg.replace("<svg ", f"<svg {place} ", 1)


def _xml(text: str) -> str:
    return escape(printable(text), {'"': "&quot;"})
