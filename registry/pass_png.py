"""The pass as a picture to keep on a telephone: PNG, 900 pixels wide, black on white."""

from datetime import datetime
from functools import cache
from pathlib import Path

import typst
from msgspec.json import encode
from pylopdf_fonts_zh_cn import sans_path

from registry.passes import group
from registry.posters import PassSheet, qr_svg
from registry.submission import LOCAL

#: 90 mm at this density are 900 pixels.
_PIXELS_PER_INCH = 254
#: What is said comes in as data and is set as text; nothing of it is read as the typesetter's own.
_SHEET = b"""
#let said = json(bytes(sys.inputs.said))
#set page(width: 90mm, height: auto, margin: 6mm, fill: white)
#set text(font: "Noto Sans SC", size: 11pt, fill: black, cjk-latin-spacing: none)
#set par(spacing: 3.2mm)
#set align(center)
#text(size: 15pt)[#said.title] \\
#text(size: 9pt)[#said.title_en]
#block(stroke: 1.4pt, inset: 3mm, radius: 1.5mm, text(size: 30pt, said.plate))
#if said.trailer != "" { text(size: 15pt, said.trailer) }
#image(bytes(said.qr), format: "svg", width: said.side * 1mm)
#if said.digits.len() > 0 {
  for line in said.digits { block(spacing: 2mm, text(size: 17pt, tracking: 0.4pt, line)) }
}
#line(length: 100%)
#block(text(size: 14pt, said.window), spacing: 2mm)
#block(text(size: 8pt, said.window_label), spacing: 3mm)
#if said.checkpoint != "" { block(text(size: 12pt, said.checkpoint), spacing: 2mm) }
#if said.destination != "" { block(text(size: 11pt, said.destination), spacing: 2mm) }
"""


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, font_paths=[Path(sans_path()).parent])


def pass_png(sheet: PassSheet) -> bytes:
    """With the 24 digits; a sheet with `offline` digits shows their code instead.

    Takes a tenth of a second: call it in a thread of its own.
    """
    numbers = group(sheet.number).split()
    offline = bool(sheet.offline)
    said = {
        "title": "离线通行码(无网络时出示)" if offline else "货车电子通行证",
        "title_en": "OFFLINE PASS" if offline else "TRUCK PASS",
        "plate": sheet.plate,
        "trailer": f"挂车 Trailer {sheet.trailer_plate}" if sheet.trailer_plate else "",
        "qr": qr_svg(sheet.offline, error="m") if offline else qr_svg(sheet.number, error="q"),
        "side": 78 if offline else 56,
        "digits": [" ".join(numbers[:3]), " ".join(numbers[3:])],
        "window": f"{_time(sheet.window_from)} — {_time(sheet.window_to)}",
        "window_label": "有效时段(北京时间) Valid (Beijing time)",
        "checkpoint": f"入口 Entry: {sheet.checkpoint}" if sheet.checkpoint else "",
        "destination": f"目的地 To: {sheet.destination}" if sheet.destination else "",
    }
    inputs = {"said": encode(said).decode()}
    return typst.compile(
        _SHEET, format="png", ppi=_PIXELS_PER_INCH, sys_inputs=inputs, font_paths=_fonts()
    )


def _time(moment: datetime) -> str:
    return moment.astimezone(LOCAL).strftime("%m-%d %H:%M")
