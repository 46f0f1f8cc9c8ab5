"""What is printed, set by typst: the pass on A6 and on the rolls of cash-desk printers."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Literal

import typst
from msgspec.json import encode
from pylopdf_fonts_zh_cn import sans_path

from registry.passes import group
from registry.posters import PassSheet, qr_svg
from registry.submission import LOCAL

_SIZES = {"a6": ("105mm", "148mm"), "80mm": ("72mm", "auto")}
_SHEET = b"""
#let said = json(bytes(sys.inputs.said))
#set page(width: eval(said.width), height: eval(said.height), margin: 5mm)
#set text(font: "Noto Sans SC", size: 9pt)
#set align(center)
#text(size: 24pt, said.plate) \\
#said.trailer
#image(bytes(said.qr), format: "svg", width: 34mm)
#for line in said.digits { block(spacing: 1.5mm, text(size: 12pt, line)) }
#said.window \\
#said.checkpoint \\
#said.destination
#if said.offline != "" { image(bytes(said.offline), format: "svg", width: 56mm) }
"""


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, font_paths=[Path(sans_path()).parent])


def pass_pdf(sheet: PassSheet, size: Literal["a6", "80mm"]) -> bytes:
    numbers = group(sheet.number).split()
    width, height = _SIZES[size]
    said = {
        "width": width,
        "height": height,
        "plate": sheet.plate,
        "trailer": sheet.trailer_plate,
        "qr": qr_svg(sheet.number, error="q"),
        "digits": [" ".join(numbers[:3]), " ".join(numbers[3:])],
        "window": f"{_time(sheet.window_from)} — {_time(sheet.window_to)}",
        "checkpoint": sheet.checkpoint,
        "destination": sheet.destination,
        "offline": qr_svg(sheet.offline, error="m") if sheet.offline else "",
    }
    inputs = {"said": encode(said).decode()}
    return typst.compile(_SHEET, format="pdf", sys_inputs=inputs, font_paths=_fonts())


def _time(moment: datetime) -> str:
    return moment.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M")
