"""The pass as a picture: both codes are read back from its pixels."""

import io
from datetime import timedelta

import pytest
import zxingcpp
from msgspec.structs import replace
from PIL import Image

from registry.offline_pass import written
from registry.pass_png import pass_png
from registry.posters import PassSheet
from tests.conftest import NOON
from tests.vectors.make_offline_pass import KEYS, PLAIN

SHEET = PassSheet(
    number="410200000001712345678905",
    plate="豫B12345",
    trailer_plate="豫B1234挂",
    checkpoint="郑民高速杞县站",
    destination='祥云 #let x = "1" $y$ [z] 面粉厂',
    window_from=NOON,
    window_to=NOON + timedelta(hours=30),
)


def read(sheet: PassSheet) -> list[str]:
    picture = Image.open(io.BytesIO(pass_png(sheet)))
    assert picture.format == "PNG"
    assert picture.size[0] == 900
    return [code.text for code in zxingcpp.read_barcodes(picture)]


def test_the_picture_shows_the_twenty_four_digits() -> None:
    assert read(SHEET) == [SHEET.number]


def test_or_the_offline_code_alone() -> None:
    digits = written(replace(PLAIN, stops=(1, 2, 3), trailer_plate="豫B1234挂"), 1, KEYS[1])
    assert read(replace(SHEET, offline=digits)) == [digits]


@pytest.mark.parametrize("plate", ["豫A1234应急", "WJ12345", "𠮷", "", "\\\"#'"])
def test_whatever_stands_on_a_plate_is_drawn(plate: str) -> None:
    assert read(replace(SHEET, plate=plate, trailer_plate=plate)) == [SHEET.number]
