import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kernel.errors import Unprocessable
from registry.plates import PROVINCES, Plate, normalise, one_character_off, parse

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
SIGNS = LETTERS + "0123456789"
ENERGY = "ABCDEFGHJK"

office = st.tuples(st.sampled_from(PROVINCES), st.sampled_from(LETTERS)).map("".join)


def _signs(alphabet: str, count: int) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=count, max_size=count)


ordinary = st.tuples(office, _signs(SIGNS, 5)).map("".join)
small = st.tuples(office, st.sampled_from(ENERGY), _signs(SIGNS, 1), _signs("0123456789", 4))
large = st.tuples(office, _signs("0123456789", 5), st.sampled_from(ENERGY))
new_energy = st.one_of(small.map("".join), large.map("".join))


@pytest.mark.parametrize(
    ("text", "plate", "kind"),
    [
        ("豫A12345", "豫A12345", "ordinary"),
        ("豫a·12345", "豫A12345", "ordinary"),
        ("豫A•1234Z", "豫A1234Z", "ordinary"),
        (" 豫B 88-K88 ", "豫B88K88", "ordinary"),
        ("豫Ａ１２３４５", "豫A12345", "ordinary"),
        ("豫ａ－１２３４５", "豫A12345", "ordinary"),
        ("豫AD12345", "豫AD12345", "new_energy"),
        ("豫AFK2345", "豫AFK2345", "new_energy"),
        ("豫A12345D", "豫A12345D", "new_energy"),
        ("豫A12345f", "豫A12345F", "new_energy"),
        ("豫B1234挂", "豫B1234挂", "trailer"),
        ("豫B·A234挂", "豫BA234挂", "trailer"),
        ("豫A1234学", "豫A1234学", "learner"),
        ("豫A1234警", "豫A1234警", "police"),
        ("豫X1234应急", "豫X1234应急", "emergency"),
        ("豫A1234超", "豫A1234超", "oversize"),
        ("粤Z1234港", "粤Z1234港", "hk_macau"),
        ("粤ZAB12澳", "粤ZAB12澳", "hk_macau"),
        ("沪A1234领", "沪A1234领", "consulate"),
        ("使224578", "使224578", "consulate"),
        ("224578使", "224578使", "consulate"),
        ("WJ豫12345", "WJ豫12345", "wj"),
        ("WJ·12345", "WJ12345", "wj"),
        ("wj 豫 1234X", "WJ豫1234X", "wj"),
        ("VA12345", "VA12345", "military"),
    ],
)
def test_a_plate_is_read_however_it_is_typed(text: str, plate: str, kind: str) -> None:
    assert parse(text) == Plate(text=plate, kind=kind)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "豫",
        "A12345",
        "豫A1234",
        "豫A1234567",
        "豫112345",
        "豫I12345",
        "豫O12345",
        "豫A1234I",
        "豫AO1234",
        "中A12345",
        "豫A12345L",
        "豫AL12345",
        "豫A12D456F",
        "豫B12345挂",
        "粤A1234港",
        "豫Z1234澳",
        "IA12345",
        "V12345",
        "WJ1234",
        "豫A12345\n豫A12346",
        "豫A1234٣",
        "<b>豫A12345</b>",
        "豫" * 10_000,
    ],
)
def test_what_is_no_plate_is_refused_with_a_short_quotation(text: str) -> None:
    with pytest.raises(Unprocessable) as caught:
        parse(text)
    assert caught.value.code == "plate_malformed"
    assert len(str(caught.value.facts["given"])) <= 16


def test_every_province_is_known_once() -> None:
    assert len(set(PROVINCES)) == len(PROVINCES) == 31
    assert {parse(f"{p}A12345").kind for p in PROVINCES} == {"ordinary"}


@given(ordinary)
def test_every_ordinary_plate_is_read(plate: str) -> None:
    assert parse(plate) == Plate(text=plate, kind="ordinary")


@given(new_energy)
def test_every_new_energy_plate_is_read(plate: str) -> None:
    assert parse(plate) == Plate(text=plate, kind="new_energy")


@given(st.one_of(ordinary, new_energy), st.sampled_from("IO"), st.integers(1, 6))
def test_the_letters_i_and_o_are_never_part_of_a_plate(plate: str, letter: str, at: int) -> None:
    with pytest.raises(Unprocessable):
        parse(plate[:at] + letter + plate[at + 1 :])


@given(ordinary, st.data())
def test_dots_spaces_case_and_width_make_no_difference(plate: str, data: st.DataObject) -> None:
    typed = ""
    for character in plate:
        wide = chr(ord(character) + 0xFEE0) if character.isascii() else character
        typed += data.draw(st.sampled_from([character, character.lower(), wide]))
        typed += data.draw(st.sampled_from(["", " ", "·", "•", "-", "\u3000"]))
    assert parse(typed).text == plate


@given(st.text())
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(max_size=12))
def test_no_text_makes_the_grammar_fail_otherwise_than_by_refusal(text: str) -> None:
    try:
        plate = parse(text)
    except Unprocessable:
        return
    assert parse(plate.text) == plate


def test_the_shown_form_has_its_dot() -> None:
    assert parse("豫A12345").shown == "豫A·12345"
    assert parse("豫B1234挂").shown == "豫B·1234挂"
    assert parse("WJ豫12345").shown == "WJ豫12345"
    assert parse(parse("豫A12345").shown).text == "豫A12345"


@given(ordinary, st.integers(0, 6), st.sampled_from(SIGNS))
def test_one_replaced_character_is_one_off(plate: str, at: int, sign: str) -> None:
    other = plate[:at] + sign + plate[at + 1 :]
    assert one_character_off(plate, other) == (plate != other)
    assert one_character_off(other, plate) == (plate != other)


@given(ordinary, st.integers(0, 5))
def test_two_swapped_neighbours_are_one_off(plate: str, at: int) -> None:
    other = plate[:at] + plate[at + 1] + plate[at] + plate[at + 2 :]
    assert one_character_off(plate, other) == (plate != other)


@given(ordinary, ordinary)
def test_two_replaced_characters_are_not_one_off(one: str, two: str) -> None:
    assume(sum(a != b for a, b in zip(one, two, strict=True)) > 2)
    assert not one_character_off(one, two)


def test_what_is_not_one_off() -> None:
    assert not one_character_off("豫A12345", "豫A12345")
    assert not one_character_off("豫A12345", "豫A1234")
    assert not one_character_off("豫A12345", "豫A12366")
    assert not one_character_off("豫A12345", "豫A13945")
    assert not one_character_off("豫A12345", "豫A19245")
    assert not one_character_off("豫A12345", "豫A32145")
    assert not one_character_off("", "")
