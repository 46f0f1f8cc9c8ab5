import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Unprocessable
from kernel.privacy import Vault
from registry.passes import check_digit, classify, group, new_movement_id, pass_number, read_pass

CITY = "4102"
VAULT = Vault(bytes(range(32)))
OTHER_VAULT = Vault(bytes(reversed(range(32))))

movement_ids = st.integers(4102 * 10**9, 4103 * 10**9 - 1)


def _refusal(text: str, *, vault: Vault = VAULT, city: str = CITY) -> Unprocessable:
    with pytest.raises(Unprocessable) as caught:
        read_pass(text, vault, city)
    return caught.value


def test_a_movement_id_has_thirteen_digits_and_begins_with_its_city() -> None:
    ids = {new_movement_id(CITY) for _ in range(500)}
    assert len(ids) > 490
    assert all(len(str(i)) == 13 and str(i).startswith(CITY) for i in ids)


@pytest.mark.parametrize("city", ["", "0410", "41", "410200", "kaif"])
def test_a_city_that_is_no_code_is_a_mistake_of_the_set_up(city: str) -> None:
    with pytest.raises(ValueError, match="four digits"):
        new_movement_id(city)


@given(movement_ids)
def test_every_pass_leads_back_to_its_movement(movement_id: int) -> None:
    number = pass_number(movement_id, VAULT)
    assert len(number) == 24
    assert number.isdigit()
    assert read_pass(number, VAULT, CITY) == movement_id
    assert classify(number) == "pass"
    assert pass_number(movement_id, VAULT) == number


@given(movement_ids, st.data())
def test_spaces_dashes_and_full_width_digits_make_no_difference(
    movement_id: int, data: st.DataObject
) -> None:
    typed = ""
    for digit in pass_number(movement_id, VAULT):
        typed += data.draw(st.sampled_from([digit, chr(ord(digit) + 0xFEE0)]))
        typed += data.draw(st.sampled_from(["", " ", "-", "—", "\u3000", "\u200b", "\r\n"]))
    assert read_pass(typed, VAULT, CITY) == movement_id


@given(movement_ids)
def test_every_single_wrong_digit_is_a_slip(movement_id: int) -> None:
    number = pass_number(movement_id, VAULT)
    for at in range(24):
        for digit in "0123456789".replace(number[at], ""):
            assert _refusal(number[:at] + digit + number[at + 1 :]).code == "pass_mistyped"


@given(movement_ids)
def test_every_swap_of_neighbours_is_refused(movement_id: int) -> None:
    number = pass_number(movement_id, VAULT)
    for at in range(23):
        if number[at] != number[at + 1]:
            _refusal(number[:at] + number[at + 1] + number[at] + number[at + 2 :])


def test_the_check_digit_alone_catches_nearly_every_swap() -> None:
    draw = random.Random(7)
    caught = tried = 0
    for _ in range(4000):
        body = "".join(draw.choices("0123456789", k=23))
        number = body + check_digit(body)
        at = draw.randrange(23)
        swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
        if swapped != number:
            tried += 1
            caught += check_digit(swapped[:-1]) != swapped[-1]
    assert tried > 3000
    assert caught / tried > 0.96


def test_the_check_digit_agrees_with_the_published_example() -> None:
    assert check_digit("0794") == "5"


def test_none_of_twenty_thousand_guesses_is_accepted() -> None:
    draw = random.Random(42)
    codes: dict[str, int] = {}
    for _ in range(20_000):
        guess = CITY + "".join(draw.choices("0123456789", k=19))
        code = _refusal(guess + check_digit(guess)).code
        codes[code] = codes.get(code, 0) + 1
    assert codes == {"pass_forged": 20_000}


def test_none_of_twenty_thousand_random_numbers_is_accepted() -> None:
    draw = random.Random(43)
    for _ in range(20_000):
        _refusal("".join(draw.choices("0123456789", k=24)))


@given(movement_ids)
def test_a_pass_made_with_another_key_is_forged(movement_id: int) -> None:
    assert _refusal(pass_number(movement_id, OTHER_VAULT)).code == "pass_forged"


def test_a_pass_of_another_city_names_it() -> None:
    refusal = _refusal(pass_number(new_movement_id("4101"), VAULT))
    assert (refusal.code, refusal.facts) == ("pass_of_other_city", {"city": "4101"})


def test_a_pass_made_before_the_key_was_changed_is_still_read() -> None:
    movement_id = new_movement_id(CITY)
    number = pass_number(movement_id, VAULT)
    changed = Vault(b"n" * 32, key_id=2, retired={1: bytes(range(32))})
    assert read_pass(number, changed, CITY) == movement_id
    assert pass_number(movement_id, changed) != number


def test_a_digit_too_few_or_too_many_is_a_slip() -> None:
    number = pass_number(new_movement_id(CITY), VAULT)
    assert _refusal(number[:-1]).code == "pass_mistyped"
    assert _refusal(number + "0").code == "pass_mistyped"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("https://checkpoint.example/t/ABCDE12345", "place_code"),
        ("http://127.0.0.1:8000/t/ABCDE12345?from=poster", "place_code"),
        ("https://city.example/changsuoma?id=1", "place_code"),
        ("https://code.example/healthcode?token=abc", "health_code"),
        ("健康码:张*,绿码", "health_code"),
        ("https://xc.caict.ac.cn/wxapp?x=1", "itinerary_code"),
        ("wxp://f2f0abcdef", "payment_code"),
        ("https://qr.alipay.com/fkx123", "payment_code"),
        ("134567890123456789", "payment_code"),
        ("13 4567 8901 2345 6789", "payment_code"),
        ("281234567890123456", "payment_code"),
        ("2812 3456 7890 1234 5678 9012", "payment_code"),
        ("https://example.org/t/ABCDE1234", "url"),
        ("https://example.org/t/ABCDE1234I", "url"),
        ("https://example.org/", "url"),
        ("豫A12345", "text"),
        ("", "text"),
        ("http://[", "text"),
        ("javascript:alert(1)", "text"),
        ("12345", "text"),
    ],
)
def test_other_peoples_codes_are_told_apart(text: str, kind: str) -> None:
    assert classify(text) == kind
    refusal = _refusal(text)
    assert (refusal.code, refusal.facts) == ("not_a_pass", {"kind": kind})


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fail_otherwise_than_by_refusal(text: str) -> None:
    assert _refusal(text).code in {"not_a_pass", "pass_mistyped"}


def test_a_very_long_text_is_no_pass() -> None:
    number = pass_number(new_movement_id(CITY), VAULT)
    assert _refusal(" " * 5000 + number).code == "not_a_pass"
    assert _refusal("9" * 1_000_000).code == "not_a_pass"


def test_the_printed_form_is_in_fours() -> None:
    assert group("123456789012345678901234") == "1234 5678 9012 3456 7890 1234"
