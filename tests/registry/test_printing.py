"""Every sheet is printed to pixels, and its codes are read back from there."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any, get_args

import numpy as np
import pypdfium2
import pytest
import zxingcpp
from msgspec import structs
from PIL import Image

from registry.drawing import Box, Code, Drawing, Text, to_svg
from registry.hood_sheet import DISTANCE
from registry.pass_sheet import PLATE, pass_drawing
from registry.poster_sheet import poster_drawing
from registry.posters import new_code, place_url
from registry.printing import hood_pdf, pass_pdf, pdf, poster_pdf
from registry.sheets import PassSheet, PassSize, Poster, PosterSize

DPI = 150
NUMBER = "410292069280097223756302"
OFFLINE = "".join(str(at * 7 % 10) for at in range(270))
KINDS = ("checkpoint", "destination", "venue")
POSTER_SIZES: dict[PosterSize, tuple[int, int]] = {"a4": (210, 297), "a3": (297, 420)}
PASS_SIZES: tuple[PassSize, ...] = get_args(PassSize)


def poster(kind: Any = "checkpoint", **changes: Any) -> Poster:
    code = new_code()
    facts: dict[str, Any] = {
        "kind": kind,
        "url": place_url("https://checkpoint.example", code),
        "code": code,
        "place": "连霍高速开封站",
        "gate": "1号车道",
        "issued_on": date(2022, 4, 12),
    }
    return Poster(**(facts | changes))


SHEET = PassSheet(
    number=NUMBER,
    plate="豫B12345",
    trailer_plate="豫B1234挂",
    checkpoint="郑民高速杞县站",
    destination="河南祥云面粉有限责任公司杞县第二生产基地",
    window_from=datetime(2022, 4, 12, 16, 30, tzinfo=UTC),
    window_to=datetime(2022, 4, 13, 22, 30, tzinfo=UTC),
    offline=OFFLINE,
)


def pages(file: bytes) -> list[Image.Image]:
    document = pypdfium2.PdfDocument(file)
    scale: Any = DPI / 72  # its type is said to be whole, and need not be
    return [each.render(scale=scale).to_pil() for each in document]


def texts(file: bytes) -> str:
    document = pypdfium2.PdfDocument(file)
    return "\n".join(each.get_textpage().get_text_range() for each in document)


def read(image: Image.Image) -> set[str]:
    return {found.text for found in zxingcpp.read_barcodes(image)}


def inked(image: Image.Image) -> int:
    return int(np.count_nonzero(np.asarray(image.convert("L")) < 128))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", list(POSTER_SIZES))
def test_a_printed_poster_is_read_back(kind: str, size: PosterSize) -> None:
    hung = poster(kind)
    (page,) = pages(poster_pdf([hung], size))
    wide, high = POSTER_SIZES[size]
    assert page.width == pytest.approx(wide / 25.4 * DPI, abs=2)
    assert page.height == pytest.approx(high / 25.4 * DPI, abs=2)
    assert read(page) == {hung.url}


@pytest.mark.parametrize("size", PASS_SIZES)
def test_both_codes_of_a_printed_pass_are_read_back(size: PassSize) -> None:
    (page,) = pages(pass_pdf(SHEET, size))
    assert read(page) == {NUMBER, OFFLINE}


@pytest.mark.parametrize("size", PASS_SIZES)
def test_a_printed_pass_without_a_signed_code_is_read_back(size: PassSize) -> None:
    (page,) = pages(pass_pdf(structs.replace(SHEET, offline=""), size))
    assert read(page) == {NUMBER}


def cut_corner(drawing: Drawing) -> Drawing:
    """A corner torn off, and with it one of the three eyes."""
    torn = [
        Box(x=mark.x, y=mark.y, width=mark.side * 0.35, height=mark.side * 0.35, fill="#ffffff")
        for mark in drawing.marks
        if isinstance(mark, Code)
    ]
    return structs.replace(drawing, marks=(*drawing.marks, *torn))


def no_quiet_zone(drawing: Drawing) -> Drawing:
    """A dark frame right up to the modules, and a ground as dark behind them."""
    marks = list(drawing.marks)
    for at, mark in enumerate(drawing.marks):
        if isinstance(mark, Code):
            modules = int(mark.svg.partition('viewBox="0 0 ')[2].partition(" ")[0])
            edge = mark.side * 4 / modules
            marks.append(
                Box(
                    x=mark.x + edge / 2,
                    y=mark.y + edge / 2,
                    width=mark.side - edge,
                    height=mark.side - edge,
                    line="#000000",
                    thick=edge * 1.02,
                )
            )
            assert marks[at] is mark
    return structs.replace(drawing, marks=tuple(marks))


SABOTAGES = (cut_corner, no_quiet_zone)


@pytest.mark.parametrize("spoil", SABOTAGES)
@pytest.mark.parametrize("size", list(POSTER_SIZES))
def test_a_spoilt_poster_is_not_read(size: PosterSize, spoil: Callable[[Drawing], Drawing]) -> None:
    (page,) = pages(pdf([spoil(poster_drawing(poster(), size))]))
    assert read(page) == set()


@pytest.mark.parametrize("spoil", SABOTAGES)
@pytest.mark.parametrize("size", PASS_SIZES)
def test_a_spoilt_pass_is_not_read(size: PassSize, spoil: Callable[[Drawing], Drawing]) -> None:
    (page,) = pages(pdf([spoil(pass_drawing(SHEET, size))]))
    assert read(page) == set()


def test_many_posters_are_as_many_pages_in_their_order() -> None:
    hung = [poster(kind, gate=f"{at}号门") for at, kind in enumerate(KINDS * 4)]
    printed = pages(poster_pdf(hung, "a4"))
    assert [read(page) for page in printed] == [{each.url} for each in hung]


def test_no_posters_are_no_file() -> None:
    with pytest.raises(ValueError, match="at least one"):
        poster_pdf([], "a4")


def test_the_words_of_a_printed_sheet_are_words() -> None:
    said = texts(poster_pdf([poster(code="ABCDE12345")], "a4"))
    for words in ("连霍高速开封站", "1号车道", "ABCDE-12345", "12328", "专属场所码", "2022-04-12"):
        assert words in said
    said = texts(pass_pdf(SHEET, "a6"))
    for words in ("豫B12345", "豫B1234挂", "4102 9206 9280 0972 2375 6302", "TRUCK PASS"):
        assert words in said


def test_the_plate_has_24_points_and_a_pass_is_black_alone() -> None:
    assert pytest.approx(24 / 72 * 25.4, abs=0.01) == PLATE
    for size in PASS_SIZES:
        drawing = pass_drawing(SHEET, size)
        plate = next(mark for mark in drawing.marks if getattr(mark, "text", "") == "豫B12345")
        assert plate.size == pytest.approx(PLATE, abs=0.01)  # type: ignore[union-attr]
        drawn = np.asarray(pages(pdf([drawing]))[0].convert("RGB")).astype(int)
        assert int((drawn.max(axis=2) - drawn.min(axis=2)).max()) <= 2


# Two of the sans, one of the serif alone if there is such, an extension B and one of nobody's.
RARE = ("㐂", "𬭎", "龘", "囍", "𠮷", "𪚥", "\U000323af", "\ue000", "☃", "😀")


@pytest.mark.parametrize("character", RARE)
def test_a_rare_character_leaves_a_mark(character: str) -> None:
    """Drawn, or an empty box where no font has it: never a gap that nobody sees."""
    alone = Text(x=30, y=45, size=40, text=character)
    (page,) = pages(pdf([Drawing(width=60, height=60, title="", marks=(alone,))]))
    assert inked(page) > 300


@pytest.mark.parametrize(
    "text", ["\ud800", "\x00\x07", "\u200b", "\u202e反", "#[*]$\\@<", "%" * 900]
)
def test_no_text_stops_the_press(text: str) -> None:
    assert len(pages(poster_pdf([poster(place=f"厂{text}", gate=text)], "a4"))) == 1
    assert len(pages(pass_pdf(structs.replace(SHEET, destination=text), "80mm"))) == 1


def test_the_hood_is_one_page_in_both_languages_and_to_scale() -> None:
    (page,) = pages(hood_pdf())
    assert (page.width, page.height) == (
        pytest.approx(297 / 25.4 * DPI, abs=2),
        pytest.approx(210 / 25.4 * DPI, abs=2),
    )
    said = texts(hood_pdf())
    for words in ("扫码罩", "SCAN HOOD", "50 mm", "100%", "Cut out", "A 粘贴 Glue"):
        assert words in said
    for number in "1234567":
        assert number in said
    assert 80 <= DISTANCE <= 150


def test_screen_and_print_are_one_drawing() -> None:
    drawing = poster_drawing(poster())
    assert to_svg(drawing).count("<text") == sum(
        1 for mark in drawing.marks if type(mark).__name__ == "Text"
    )
    assert len(BytesIO(pdf([drawing])).getvalue()) < 60_000
