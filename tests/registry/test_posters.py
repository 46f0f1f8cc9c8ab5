import re
from datetime import UTC, datetime
from io import BytesIO
from xml.etree import ElementTree as ET

import pytest
import segno
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from kernel.privacy import Vault
from registry.drawing import (
    LEADING,
    Box,
    Code,
    Mark,
    Rule,
    Text,
    bare_side,
    ems,
    fitted,
    glyph_svg,
    to_svg,
)
from registry.pass_sheet import pass_drawing
from registry.passes import classify, new_movement_id, pass_number, read_pass
from registry.poster_sheet import poster_drawing, reading_distance
from registry.posters import (
    CODE_ALPHABET,
    PassSheet,
    Poster,
    new_code,
    pass_svg,
    place_url,
    poster_svg,
    qr_svg,
    short_number,
)

SVG = "{http://www.w3.org/2000/svg}"
URL = "https://checkpoint.example"
VAULT = Vault(bytes(range(32)))


def _poster(**changes: str) -> Poster:
    facts = {"kind": "checkpoint", "url": place_url(URL, "ABCDE12345"), "code": "ABCDE12345"}
    return Poster(**(facts | {"place": "连霍高速开封站", "gate": "1号车道"} | changes))  # pyright: ignore[reportArgumentType]


def _sheet(**changes: str) -> PassSheet:
    return PassSheet(
        number=changes.get("number", "4" * 24),
        plate=changes.get("plate", "豫A·12345"),
        trailer_plate=changes.get("trailer_plate", ""),
        destination=changes.get("destination", ""),
        offline=changes.get("offline", ""),
        window_from=datetime(2022, 4, 12, 16, 30, tzinfo=UTC),
        window_to=datetime(2022, 4, 13, 22, 30, tzinfo=UTC),
    )


def _codes(svg: str) -> list[ET.Element]:
    """The QR codes of a sheet, in their order."""
    root = ET.fromstring(svg)  # noqa: S314
    return [node for node in root.iter(f"{SVG}svg") if node is not root]


def _drawn(svg: ET.Element) -> Image.Image:
    """Paints the strokes of the QR path, eight pixels to the module."""
    side = int(svg.attrib["viewBox"].split()[2])
    image = Image.new("L", (side * 8, side * 8), 255)
    pen = ImageDraw.Draw(image)
    path = next(p for p in svg.iter(f"{SVG}path") if "stroke" in p.attrib)
    x = y = 0.0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", path.attrib["d"]):
        values = [float(n) for n in re.findall(r"-?\d*\.?\d+", numbers)]
        if command == "h":
            box = (x * 8, (y - 0.5) * 8, (x + values[0]) * 8 - 1, (y + 0.5) * 8 - 1)
            pen.rectangle(box, fill=0)
            x += values[0]
        else:
            x, y = (values[0], values[1]) if command == "M" else (x + values[0], y + values[1])
    return image


def _read(image: Image.Image) -> str:
    found = zxingcpp.read_barcodes(image)
    assert len(found) == 1
    return found[0].text


def _texts(svg: str) -> list[str]:
    return [node.text or "" for node in ET.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314


def test_new_codes_have_ten_plain_characters_and_do_not_repeat() -> None:
    codes = {new_code() for _ in range(2000)}
    assert len(codes) == 2000
    assert all(re.fullmatch("[0-9A-HJKMNP-TV-Z]{10}", code) for code in codes)
    assert set("".join(codes)) == set(CODE_ALPHABET)


@pytest.mark.parametrize("public", [URL, f"{URL}/"])
def test_a_place_url_is_short_and_known_as_a_place_code(public: str) -> None:
    url = place_url(public, "ABCDE12345")
    assert url == "https://checkpoint.example/t/ABCDE12345"
    assert classify(url) == "place_code"


def test_the_qr_of_a_pass_is_the_smallest_and_is_read_back() -> None:
    number = pass_number(new_movement_id("4102"), VAULT)
    svg = ET.fromstring(qr_svg(number, error="q"))  # noqa: S314
    assert svg.attrib["viewBox"] == "0 0 29 29"
    assert "width" not in svg.attrib
    assert _read(_drawn(svg)) == number


def test_the_library_and_the_reader_agree_on_a_bitmap() -> None:
    number = pass_number(new_movement_id("4102"), VAULT)
    png = BytesIO()
    segno.make(number, error="q", micro=False).save(png, kind="png", scale=4, border=4)
    text = _read(Image.open(png))
    assert read_pass(text, VAULT, "4102") == int(number[:13])


@pytest.mark.parametrize("error", ["l", "m", "q", "h"])
def test_every_error_level_is_read_back(error: str) -> None:
    url = place_url(URL, new_code())
    drawn = ET.fromstring(qr_svg(url, error=error))  # noqa: S314  # pyright: ignore[reportArgumentType]
    assert _read(_drawn(drawn)) == url


def test_a_poster_says_where_it_hangs_and_its_code_leads_there() -> None:
    poster = _poster()
    svg = poster_svg(poster)
    root = ET.fromstring(svg)  # noqa: S314
    assert root.attrib["viewBox"] == "0 0 210 297"
    assert {"连霍高速开封站", "1号车道", "ABCDE-12345"} <= set(_texts(svg))
    assert any("专属场所码" in text for text in _texts(svg))
    assert any("SCAN" in text for text in _texts(svg))
    assert [_read(_drawn(code)) for code in _codes(svg)] == [poster.url]


def test_only_codes_for_trucks_have_the_blue_frame() -> None:
    blue = "#0b4ea2"
    assert blue in poster_svg(_poster(kind="checkpoint"))
    assert blue in poster_svg(_poster(kind="destination"))
    assert blue not in poster_svg(_poster(kind="venue"))


def test_a_pass_shows_plate_number_window_and_both_languages() -> None:
    number = pass_number(new_movement_id("4102"), VAULT)
    svg = pass_svg(_sheet(number=number, trailer_plate="豫B·1234挂", destination="开封某厂"))
    texts = _texts(svg)
    assert "豫A·12345" in texts
    assert " ".join(number[i : i + 4] for i in range(0, 24, 4)) in texts
    assert "2022-04-13 00:30 — 2022-04-14 06:30" in texts
    assert any("豫B·1234挂" in text for text in texts)
    assert any("开封某厂" in text for text in texts)
    assert {"货车通行证", "TRUCK PASS"} <= set(texts)
    (code,) = _codes(svg)
    assert code.attrib["viewBox"] == "0 0 29 29"
    assert _read(_drawn(code)) == number


def test_a_pass_for_no_network_carries_both_codes() -> None:
    offline = "7" * 270
    svg = pass_svg(_sheet(offline=offline))
    assert [_read(_drawn(code)) for code in _codes(svg)] == ["4" * 24, offline]


def test_the_plate_is_the_largest_text_of_a_pass() -> None:
    root = ET.fromstring(pass_svg(_sheet()))  # noqa: S314
    sizes = {node.text: float(node.attrib["font-size"]) for node in root.iter(f"{SVG}text")}
    assert max(sizes, key=lambda text: sizes[text]) == "豫A·12345"


def test_markup_in_a_name_stays_text() -> None:
    name = "<script>alert(1)</script>&\"'"
    svg = poster_svg(_poster(place=name, gate=name))
    assert "<script" not in svg
    assert "".join(_texts(svg)).count("<script>") == 2


@given(st.text(), st.text())
def test_any_name_gives_a_sheet_that_can_be_parsed(place: str, gate: str) -> None:
    root = ET.fromstring(poster_svg(_poster(place=place, gate=gate)))  # noqa: S314
    assert root.tag == f"{SVG}svg"
    ET.fromstring(pass_svg(_sheet(plate=place, destination=gate)))  # noqa: S314


def test_long_names_are_made_to_fit() -> None:
    root = ET.fromstring(poster_svg(_poster(place="货" * 60, gate="门" * 60)))  # noqa: S314
    named = [node for node in root.iter(f"{SVG}text") if set(node.text or "") <= set("货门")]
    assert "".join(node.text or "" for node in named) == "货" * 60 + "门" * 60
    for node in named:
        assert len(node.text or "") * float(node.attrib["font-size"]) <= 180


def test_a_name_longer_than_any_sheet_is_cut_where_it_can_be_seen() -> None:
    texts = _texts(poster_svg(_poster(place="货" * 2000)))
    assert any(text.startswith("货") and text.endswith("…") for text in texts)


@given(st.text(max_size=300), st.floats(20, 200), st.floats(4, 60))
def test_what_is_fitted_stays_inside_its_box(text: str, width: float, height: float) -> None:
    lines, size = fitted(text, width=width, height=height, size=14)
    assert len(lines) == 1 or len(lines) * size * LEADING <= height + 0.01
    assert all(ems(line) * size <= max(width, 2 * size) + 0.01 for line in lines)


def test_words_stay_whole_and_lines_are_even() -> None:
    lines, _ = fitted("Kaifeng Cold-Chain Logistics Centre", width=60, height=40, size=12)
    assert " ".join(lines).replace("- ", "-") == "Kaifeng Cold-Chain Logistics Centre"
    two, _ = fitted("货" * 25, width=180, height=22, size=14)
    assert [len(line) for line in two] == [13, 12]


def test_a_truck_and_a_common_code_differ_without_colour() -> None:
    truck, common = poster_svg(_poster()), poster_svg(_poster(kind="venue"))
    assert glyph_svg("truck", "#ffffff").partition(">")[2].removesuffix("</svg>") in truck
    assert "专属" not in common
    assert common.count("<rect") > truck.count("<rect") - 3
    assert glyph_svg("enter", "#111111").partition(">")[2].removesuffix("</svg>") in common


def test_a_poster_says_from_how_far_it_is_read() -> None:
    for size, metres in (("a4", "1.3"), ("a3", "1.8")):
        drawing = poster_drawing(_poster(), size)  # type: ignore[arg-type]
        side = next(bare_side(mark) for mark in drawing.marks if isinstance(mark, Code))
        assert reading_distance(side * drawing.scale) <= side * drawing.scale / 100
        assert any(f"within {metres} m" in text for text in _texts(to_svg(drawing)))


def test_nothing_stands_on_a_code() -> None:
    """The quiet zone is inside the code's square; every other mark keeps out of it."""
    sheets = [
        poster_drawing(_poster(kind=kind, place="货" * 80, gate="门" * 40))
        for kind in ("checkpoint", "destination", "venue")
    ]
    full = _sheet(trailer_plate="豫B·1234挂", offline="7" * 270, destination="货" * 60)
    sheets += [pass_drawing(full, "a6"), pass_drawing(full, "80mm")]
    for drawing in sheets:
        for code in (mark for mark in drawing.marks if isinstance(mark, Code)):
            for mark in drawing.marks:
                assert mark is code or not _overlaps(mark, code), (drawing.title, mark)


def _overlaps(mark: Mark, code: Code) -> bool:
    left, top, right, bottom = _extent(mark)
    code_right, code_bottom = code.x + code.side, code.y + code.side
    around = left <= code.x and top <= code.y and right >= code_right and bottom >= code_bottom
    if isinstance(mark, Box) and not mark.fill and around:
        return False
    return left < code_right and right > code.x and top < code_bottom and bottom > code.y


def _extent(mark: Mark) -> tuple[float, float, float, float]:
    match mark:
        case Text():
            wide = ems(mark.text) * mark.size
            left = mark.x - {"start": 0, "middle": 0.5, "end": 1}[mark.anchor] * wide
            return left, mark.y - mark.size * 0.88, left + wide, mark.y + mark.size * 0.12
        case Rule():
            return mark.x, mark.y, mark.to_x, mark.to_y
        case Box():
            return mark.x, mark.y, mark.x + mark.width, mark.y + mark.height
        case _:
            return mark.x, mark.y, mark.x + mark.side, mark.y + mark.side


def test_the_short_number_is_read_in_two_groups() -> None:
    assert short_number("ABCDE12345") == "ABCDE-12345"


@pytest.mark.parametrize("width", range(10, 90, 3))
def test_no_line_begins_with_what_closes_the_one_before(width: int) -> None:
    said = "请到最近的核酸采样点检测，取得结果后（当天）凭同一通行证返回。谢谢！"
    lines, _ = fitted(said, width=width, height=400, size=4.2)
    assert "".join(lines) == said
    assert not [line for line in lines if line[0] in "，。）！"]
