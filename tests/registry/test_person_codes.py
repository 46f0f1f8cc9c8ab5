"""Personal codes on paper: digits alone, shorter than any pass, and nobody's without our key."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.errors import Unprocessable
from registry.offline_pass import CURVE, LEAST_DIGITS, OfflinePass
from registry.offline_pass import written as pass_written
from registry.passes import classify
from registry.person_codes import DIGITS, may_be_person_code, read, written

KEY, OTHER = generate_private_key(CURVE), generate_private_key(CURVE)
KEYS = {1: KEY.public_key()}
NOON = datetime(2022, 5, 1, 12, 0, tzinfo=UTC)
UNTIL = NOON + timedelta(days=90)


@given(number=st.integers(1, 2**62))
@settings(max_examples=50)
def test_what_is_written_is_read_and_no_lane_takes_it_for_a_pass(number: int):
    digits = written(number, UNTIL, 1, KEY)
    assert len(digits) == DIGITS < LEAST_DIGITS
    assert may_be_person_code(digits)
    assert read(digits, KEYS, NOON) == number
    assert classify(digits) == "text"


@pytest.mark.parametrize(
    ("digits", "code"),
    [
        ("1" * DIGITS, "person_code_malformed"),
        ("9" * DIGITS, "person_code_malformed"),
        (written(1, UNTIL, 1, OTHER), "person_code_forged"),
        (written(1, UNTIL, 2, KEY), "person_code_forged"),
        (written(1, NOON, 1, KEY), "person_code_ended"),
        ("12345", "person_code_malformed"),
    ],
)
def test_what_is_not_ours_or_over_is_refused(digits: str, code: str):
    with pytest.raises(Unprocessable) as refused:
        read(digits, KEYS, NOON)
    assert refused.value.code == code


def test_one_changed_digit_is_a_forgery():
    digits = written(7, UNTIL, 1, KEY)
    for place in range(20, DIGITS, 11):
        changed = digits[:place] + str((int(digits[place]) + 1) % 10) + digits[place + 1 :]
        with pytest.raises(Unprocessable):
            read(changed, KEYS, NOON)


def test_a_pass_is_no_persons_code():
    said = OfflinePass(movement_id=4102000000001, window_from=NOON, window_to=UNTIL, plate="豫B1")
    assert not may_be_person_code(pass_written(said, 1, KEY))
