"""Place codes and what is printed: posters for gates and passes for cabs, as plain SVG.

Both languages stand on every sheet, so nothing here depends on the reader's locale. Lengths are in
millimetres on A4.
"""

import secrets
import unicodedata
from datetime import datetime, timedelta, timezone
from io import BytesIO
from typing import Literal
from xml.sax.saxutils import escape

import segno
from msgspec import Struct

from registry.passes import group

ErrorLevel = Literal["l", "m", "q", "h"]

# Crockford's base 32: no I, L, O, U, so that a code can be read aloud.
CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 10
QUIET_ZONE = 4

_WIDTH, _HEIGHT, _TEXT_WIDTH = 210, 297, 186
_BLUE, _BLACK, _GREY = "#0b4ea2", "#111111", "#555555"
_FONT = "'Noto Sans SC','PingFang SC','Microsoft YaHei','WenQuanYi Micro Hei',sans-serif"
# China has kept one offset without summer time since 1991; no time zone database is needed.
_CHINA = timezone(timedelta(hours=8), "CST")

_HEADINGS = {
    "checkpoint": ("专属场所码·交通卡口", "TRUCKS: SCAN AT THIS CHECKPOINT"),
    "destination": ("专属场所码·目的地", "TRUCKS: SCAN WHEN YOU ARRIVE"),
    "venue": ("场所码", "PLEASE SCAN WHEN YOU ENTER"),
}
_STEPS = {
    "checkpoint": (
        "请用微信或浏览器扫码报备。没有手机,请找工作人员办理。",
        "Scan to report your trip. No phone? Ask the staff.",
    ),
    "destination": (
        "货车到达后请扫码,并请门卫确认到达。",
        "Scan on arrival and ask the gatekeeper to confirm.",
    ),
    "venue": (
        "进入前请扫码登记。没有手机,请找工作人员登记。",
        "Scan to sign in. No phone? Ask the staff.",
    ),
}


class Poster(Struct, frozen=True, kw_only=True):
    """`url` is what the QR holds, `code` its ten characters; a gate may be empty."""

    kind: Literal["checkpoint", "destination", "venue"]
    url: str
    code: str
    place: str
    gate: str = ""


class PassSheet(Struct, frozen=True, kw_only=True):
    """Times are aware; they are printed in China's. `offline`: the digits of the signed pass."""

    number: str
    plate: str
    trailer_plate: str = ""
    checkpoint: str = ""
    destination: str = ""
    window_from: datetime
    window_to: datetime
    offline: str = ""


def new_code() -> str:
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def place_url(public_url: str, code: str) -> str:
    return f"{public_url.rstrip('/')}/t/{code}"


def short_number(code: str) -> str:
    """The code as people read it aloud: two groups of five."""
    return f"{code[:5]}-{code[5:]}"


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


def poster_svg(poster: Poster) -> str:
    """The blue frame marks a code that is for trucks only."""
    colour = _BLACK if poster.kind == "venue" else _BLUE
    heading, heading_en = _HEADINGS[poster.kind]
    step, step_en = _STEPS[poster.kind]
    parts = [
        _frame(colour),
        f'<rect x="8" y="8" width="194" height="38" fill="{colour}"/>',
        _text(heading, y=27, size=15, colour="#ffffff", bold=True),
        _text(heading_en, y=39, size=7, colour="#ffffff"),
        *_paragraph(poster.place, y=62, size=12),
        _text(poster.gate, y=92, size=10, colour=colour, bold=True),
        _placed(qr_svg(poster.url, error="h"), x=40, y=98, side=130),
        _text(short_number(poster.code), y=240, size=12, bold=True),
        _text("编号 Code number", y=248, size=5, colour=_GREY),
        _text(step, y=265, size=6.2),
        _text(step_en, y=275, size=5.6, colour=_GREY),
    ]
    return _sheet(parts, title=f"{poster.place} {poster.gate}")


def pass_svg(sheet: PassSheet) -> str:
    digits = group(sheet.number)
    parts = [
        _frame(_BLACK),
        _text("货车电子通行证", y=28, size=14, bold=True),
        _text("TRUCK PASS", y=38, size=7, colour=_GREY),
        _text(sheet.plate, y=66, size=24, bold=True),
        _text(f"挂车 Trailer {sheet.trailer_plate}" if sheet.trailer_plate else "", y=80, size=8),
        _placed(qr_svg(sheet.number, error="q"), x=50, y=86, side=110),
        _text(digits, y=208, size=9, bold=True),
        _text("通行证号 Pass number", y=216, size=5, colour=_GREY),
        _text(f"{_time(sheet.window_from)} — {_time(sheet.window_to)}", y=232, size=8, bold=True),
        _text("有效时段(北京时间) Valid (Beijing time)", y=240, size=5, colour=_GREY),
        _text(_labelled("入口 Entry", sheet.checkpoint), y=254, size=6),
        _text(_labelled("目的地 Destination", sheet.destination), y=264, size=6),
        _text("请在卡口出示,到达后再次扫码。", y=277, size=6),
        _text("Show at the checkpoint. Scan again on arrival.", y=284, size=5, colour=_GREY),
    ]
    return _sheet(parts, title=digits)


def _sheet(parts: list[str], *, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}mm" height="{_HEIGHT}mm" font-family="{_FONT}" text-anchor="middle">'
        f"<title>{_xml(title.strip())}</title>"
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>{"".join(parts)}</svg>'
    )


def _frame(colour: str) -> str:
    return (
        f'<rect x="8" y="8" width="194" height="281" fill="none" stroke="{colour}" '
        'stroke-width="4"/>'
    )


def _text(text: str, *, y: float, size: float, colour: str = _BLACK, bold: bool = False) -> str:
    """One centred line, made smaller if it would run off the sheet."""
    if not text:
        return ""
    fitting = min(size, _TEXT_WIDTH / max(_ems(text), 1))
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text x="{_WIDTH / 2:g}" y="{y:g}" font-size="{fitting:.3g}" fill="{colour}"{weight}>'
        f"{_xml(text)}</text>"
    )


def _paragraph(text: str, *, y: float, size: float) -> list[str]:
    """A long name in two lines, broken in the middle."""
    if _ems(text) * size <= _TEXT_WIDTH:
        return [_text(text, y=y + 6, size=size, bold=True)]
    half = (len(text) + 1) // 2
    return [
        _text(text[:half], y=y, size=size, bold=True),
        _text(text[half:], y=y + size + 4, size=size, bold=True),
    ]


def _ems(text: str) -> float:
    return sum(1 if unicodedata.east_asian_width(c) in "WFA" else 0.62 for c in text)


def _placed(svg: str, *, x: int, y: int, side: int) -> str:
    place = f'<svg x="{x}" y="{y}" width="{side}" height="{side}" '
    return svg.replace("<svg ", place, 1)


def _labelled(label: str, text: str) -> str:
    return f"{label}: {text}" if text else ""


def _time(moment: datetime) -> str:
    return moment.astimezone(_CHINA).strftime("%Y-%m-%d %H:%M")


def _xml(text: str) -> str:
    return escape("".join(c for c in text if _is_printable(c)), {'"': "&quot;"})


def _is_printable(character: str) -> bool:
    """XML has no way at all to write the control characters, lone surrogates and U+FFFE, U+FFFF."""
    return unicodedata.category(character) not in {"Cc", "Cs"} and character not in "\ufffe\uffff"
