import unicodedata
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Malformed, Refused, Unprocessable
from registry.people import (
    check_character,
    check_document,
    check_id_number,
    check_name,
    check_phone,
    region_hint,
)

TODAY = date(2022, 4, 12)


def _with_check(seventeen: str) -> str:
    return seventeen + check_character(seventeen)


valid_numbers = st.tuples(
    st.integers(110000, 999999),
    st.dates(date(1900, 1, 1), TODAY),
    st.integers(0, 999),
).map(lambda p: _with_check(f"{p[0]}{p[1]:%Y%m%d}{p[2]:03d}"))


def _code_of_id(text: str) -> str:
    with pytest.raises(Unprocessable) as caught:
        check_id_number(text, today=TODAY)
    return caught.value.code


def _code_of_name(text: str) -> str:
    with pytest.raises(Unprocessable) as caught:
        check_name(text)
    return caught.value.code


def test_the_published_example_number_is_accepted() -> None:
    assert check_id_number("11010519491231002X", today=TODAY) == "11010519491231002X"


@pytest.mark.parametrize(
    "text",
    [" 110105 19491231 002x ", "110105-19491231-002X", "１１０１０５１９４９１２３１００２Ｘ"],
)
def test_spaces_dashes_case_and_width_make_no_difference(text: str) -> None:
    assert check_id_number(text, today=TODAY) == "11010519491231002X"


@pytest.mark.parametrize("region", ["440301", "330103", "330113", "810000", "830000", "911561"])
def test_an_unknown_or_abolished_region_is_no_reason_to_refuse(region: str) -> None:
    number = _with_check(f"{region}19900101123")
    assert check_id_number(number, today=TODAY) == number
    assert region_hint(number) == region


@given(valid_numbers)
def test_every_number_with_its_check_character_is_accepted(number: str) -> None:
    assert check_id_number(number, today=TODAY) == number


@given(valid_numbers, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_every_single_wrong_character_is_refused(number: str, at: int, sign: str) -> None:
    other = number[:at] + sign + number[at + 1 :]
    if other != number:
        assert _code_of_id(other) in {"id_check_digit", "id_malformed"}


@given(valid_numbers, st.integers(0, 16))
def test_every_swap_of_neighbours_is_refused(number: str, at: int) -> None:
    other = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    if other != number:
        assert _code_of_id(other) in {"id_check_digit", "id_malformed"}


@pytest.mark.parametrize("day", ["19900230", "19901301", "19900100", "20220413", "99991231"])
def test_a_birth_date_that_does_not_exist_yet_or_ever_is_refused(day: str) -> None:
    assert _code_of_id(_with_check(f"410221{day}123")) == "id_birth_date"


def test_a_child_born_today_has_a_number_and_one_born_tomorrow_has_none() -> None:
    newborn = _with_check(f"410221{TODAY:%Y%m%d}123")
    assert check_id_number(newborn, today=TODAY) == newborn
    with pytest.raises(Unprocessable):
        check_id_number(newborn, today=TODAY - timedelta(days=1))


def test_fifteen_digits_have_their_own_answer() -> None:
    assert _code_of_id("110105491231002") == "id_15_digits"


@pytest.mark.parametrize(
    "text", ["", "1", "1" * 19, "X" * 18, "01010519491231002X", "1101051949123100٢X", "9" * 9999]
)
def test_other_shapes_are_malformed(text: str) -> None:
    assert _code_of_id(text) == "id_malformed"


@given(st.text(max_size=30))
def test_an_error_never_repeats_the_number(text: str) -> None:
    with pytest.raises(Unprocessable) as caught:
        check_id_number(f"4102211990{text}_", today=TODAY)
    assert "4102211990" not in f"{caught.value} {caught.value.facts}"


@pytest.mark.parametrize(
    ("id_type", "text", "number"),
    [
        ("resident", "11010519491231002x", "11010519491231002X"),
        ("passport", "e 1234-5678", "E12345678"),
        ("hk_macau_permit", "H12345678", "H12345678"),
        ("hk_macau_permit", "M1234567801", "M1234567801"),
        ("taiwan_permit", "12345678", "12345678"),
        ("foreign_permanent", "usa310012345678", "USA310012345678"),
        ("other", "AB12345", "AB12345"),
    ],
)
def test_other_documents_are_accepted_by_their_shape(id_type: str, text: str, number: str) -> None:
    assert check_document(id_type, text, today=TODAY) == number


@pytest.mark.parametrize(
    ("id_type", "text"),
    [
        ("passport", "PASSPORT"),
        ("passport", "12"),
        ("passport", "E1234567<"),
        ("hk_macau_permit", "A12345678"),
        ("taiwan_permit", "1234567"),
        ("foreign_permanent", "12345"),
        ("other", "<script>1"),
    ],
)
def test_a_number_that_does_not_fit_its_document_is_refused(id_type: str, text: str) -> None:
    with pytest.raises(Unprocessable) as caught:
        check_document(id_type, text, today=TODAY)
    assert caught.value.code == "document_malformed"


def test_a_new_permanent_residence_card_is_checked_in_full() -> None:
    number = _with_check("91156119900101123")
    assert check_document("foreign_permanent", number, today=TODAY) == number
    wrong = number[:-1] + ("1" if number[-1] != "1" else "2")
    with pytest.raises(Unprocessable) as caught:
        check_document("foreign_permanent", wrong, today=TODAY)
    assert caught.value.code == "id_check_digit"


def test_an_unknown_kind_of_document_is_malformed() -> None:
    with pytest.raises(Malformed) as caught:
        check_document("library_card", "1", today=TODAY)
    assert caught.value.code == "id_type_unknown"


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("13812345678", "+8613812345678"),
        ("138 1234 5678", "+8613812345678"),
        ("138-1234-5678", "+8613812345678"),
        ("+86 138-1234-5678", "+8613812345678"),
        ("(+86)13812345678", "+8613812345678"),
        ("0086 13812345678", "+8613812345678"),
        ("8613812345678", "+8613812345678"),
        ("１３８１２３４５６７８", "+8613812345678"),
        ("19912345678", "+8619912345678"),
        ("14900000000", "+8614900000000"),
        ("0371-65612345", "+8637165612345"),
        ("(0371) 6561 2345", "+8637165612345"),
        ("010-62345678", "+861062345678"),
        ("+852 9123 4567", "+85291234567"),
        ("+853 6612 3456", "+85366123456"),
        ("+886 912 345 678", "+886912345678"),
    ],
)
def test_a_phone_is_read_however_it_is_typed(text: str, phone: str) -> None:
    assert check_phone(text) == phone
    assert check_phone(phone) == phone


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "phone_malformed"),
        ("1381234567", "phone_malformed"),
        ("12812345678", "phone_malformed"),
        ("65612345", "phone_malformed"),
        ("110", "phone_malformed"),
        ("13812345678a", "phone_malformed"),
        ("1-800-FLOWERS", "phone_malformed"),
        ("١٣٨١٢٣٤٥٦٧٨", "phone_malformed"),
        ("+", "phone_malformed"),
        ("+999123456789", "phone_malformed"),
        ("9" * 5000, "phone_malformed"),
        ("+1 202 555 0123", "phone_country"),
        ("400-123-4567", "phone_kind"),
    ],
)
def test_what_cannot_be_rung_is_refused_with_its_reason(text: str, code: str) -> None:
    with pytest.raises(Unprocessable) as caught:
        check_phone(text)
    assert caught.value.code == code


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_a_mobile_of_a_new_range_is_not_refused(number: str) -> None:
    assert check_phone(number) == f"+86{number}"


@given(st.text(max_size=25))
def test_no_text_makes_the_phone_check_fail_otherwise_than_by_refusal(text: str) -> None:
    try:
        outcome = check_phone(text)
    except Refused as refused:
        outcome = refused.code
    assert outcome.startswith(("+", "phone_"))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("李小龙", "李小龙"),
        ("  李小龙 ", "李小龙"),
        ("买买提•艾力", "买买提·艾力"),
        ("买买提・艾力", "买买提·艾力"),
        ("John Ｓ. Smith", "John S. Smith"),
        ("Seán O'Neill-Byrne", "Seán O'Neill-Byrne"),
        ("𠮷田", "𠮷田"),
        ("\U00031350", "\U00031350"),
        ("李〇", "李〇"),
        ("王" * 50, "王" * 50),
    ],
)
def test_names_are_taken_as_they_are(text: str, name: str) -> None:
    assert check_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "李4",
        "李\u200e龙",
        "李\x07龙",
        "<b>李</b>",
        "李&龙",
        '李"龙',
        "=李龙",
        "+李龙",
        "-李",
        "@李",
        "·李",
        "李\ud800",
        "李😀",
        "李٣",
        "李①",
    ],
)
def test_digits_markup_formulas_and_hidden_signs_are_no_names(text: str) -> None:
    assert _code_of_name(text) == "name_malformed"


@pytest.mark.parametrize("text", ["", "   ", "\u3000"])
def test_a_name_must_be_there(text: str) -> None:
    assert _code_of_name(text) == "name_missing"


def test_a_name_has_an_end() -> None:
    assert _code_of_name("王" * 51) == "name_too_long"


@given(st.text(max_size=60))
def test_an_accepted_name_is_stable_and_free_of_markup(text: str) -> None:
    try:
        name = check_name(text)
    except Unprocessable:
        return
    assert check_name(name) == name
    assert not set(name) & set('<>&"=@;,|')
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Nd"} for c in name)
