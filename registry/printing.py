"""Sheets as PDF. Typst draws them with the fonts that are installed with us, and no others, so
that a machine without Chinese fonts prints the same as any other.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

import msgspec
import pylopdf_fonts_zh_cn
import typst

from registry.drawing import PRINT, Drawing, Glyph, glyph_svg
from registry.hood_sheet import hood_drawing
from registry.pass_sheet import pass_drawing
from registry.poster_sheet import poster_drawing
from registry.sheets import PassSheet, PassSize, Poster, PosterSize, Slip
from registry.slip_sheet import slip_drawing
from registry.transport_sheet import TransportSheet, transport_drawing

#: Pages after which the memory is given back.
_MANY, _KEPT = 50, 10
#: Few, so that a thick pile of posters leaves the lanes their share of the processor, and apart
#: from the threads in which passwords are checked.
_PRESSES = ThreadPoolExecutor(2, thread_name_prefix="press")


async def printed(make: Callable[..., bytes], *args: object) -> bytes:
    """Run one of the functions below off the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_PRESSES, partial(make, *args))


def pdf_headers(name: str) -> dict[str, str]:
    """Shown in the browser, and saved under this name (plain letters, no ending)."""
    return {"content-disposition": f'inline; filename="{name}.pdf"'}


def poster_pdf(posters: Sequence[Poster], size: PosterSize) -> bytes:
    """One page for each poster. Takes a core for some milliseconds a page: call it in a thread.

    Raises ValueError for no posters at all.
    """
    return pdf([poster_drawing(poster, size) for poster in posters])


def pass_pdf(sheet: PassSheet, size: PassSize) -> bytes:
    return pdf([pass_drawing(sheet, size)])


def slip_pdf(slip: Slip) -> bytes:
    return pdf([slip_drawing(slip)])


def transport_pdf(sheet: TransportSheet) -> bytes:
    return pdf([transport_drawing(sheet)])


def hood_pdf() -> bytes:
    return pdf([hood_drawing()])


def pdf(drawings: Sequence[Drawing]) -> bytes:
    """Where neither font has a character, its empty box is printed, never nothing."""
    if not drawings:
        message = "a PDF has at least one page"
        raise ValueError(message)
    glyphs = {
        mark.name + mark.colour: glyph_svg(mark.name, mark.colour)
        for drawing in drawings
        for mark in drawing.marks
        if isinstance(mark, Glyph)
    }
    pages = {"title": drawings[0].title, "glyphs": glyphs, "sheets": drawings}
    drawn = typst.compile(
        PRINT / "sheet.typ",
        root=PRINT,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"pages": msgspec.json.encode(pages).decode()},
    )
    if len(drawings) > _MANY:
        _forget()
    return drawn


def _forget() -> None:
    """Typst keeps what its last ten compilations used, which for piles of posters is a gigabyte.
    It cannot be told to let go; compiling nothing as many times makes it.
    """
    for _ in range(_KEPT + 1):
        typst.compile(b"", font_paths=_fonts(), ignore_system_fonts=True)


@cache
def _fonts() -> typst.Fonts:
    """The sans of one weight, and the serif for what it lacks."""
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[pylopdf_fonts_zh_cn.sans_path().parent],
    )
