"""The six digits on a firm's screen."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedloop.rolling import STEP_SECONDS, fits, rolling_code

SECRET = b"12345678901234567890123456789012"
NOON = datetime(2022, 5, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(seconds=STEP_SECONDS)
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis adds the zone


@pytest.mark.parametrize(
    ("step", "digits"),
    [
        (0x0000000000000001, "119246"),
        (0x00000000023523EC, "084774"),
        (0x00000000023523ED, "062674"),
        (0x000000000273EF07, "819424"),
        (0x0000000003F940AA, "698825"),
        (0x0000000027BC86AA, "737706"),
    ],
)
def test_the_digits_are_those_of_the_standard(step: int, digits: str) -> None:
    """RFC 6238, appendix B, SHA-256: the last six of its eight digits."""
    at = datetime.fromtimestamp(step * STEP_SECONDS, UTC)
    assert rolling_code(SECRET, at)[0] == digits


def test_the_digits_stand_until_the_minute_is_over() -> None:
    code, until = rolling_code(SECRET, NOON + timedelta(seconds=59))
    assert until == NOON + MINUTE
    assert rolling_code(SECRET, NOON)[0] == code
    assert rolling_code(SECRET, until)[0] != code


@given(secret=st.binary(min_size=1, max_size=40), at=TIMES)
def test_what_the_screen_shows_fits_until_the_end_of_the_next_minute(
    secret: bytes, at: datetime
) -> None:
    code, until = rolling_code(secret, at)
    assert len(code) == 6
    assert code.isdigit()
    assert at < until <= at + MINUTE
    assert fits(secret, code, at)
    assert fits(secret, code, until + MINUTE - timedelta(microseconds=1))


def test_digits_older_than_that_fit_no_more_and_those_to_come_not_yet() -> None:
    code, until = rolling_code(SECRET, NOON)
    assert not fits(SECRET, code, until + MINUTE)
    assert not fits(SECRET, code, NOON - timedelta(seconds=1))


def test_a_space_between_the_digits_does_not_matter() -> None:
    code, _ = rolling_code(SECRET, NOON)
    assert fits(SECRET, f" {code[:3]} {code[3:]} ", NOON)


@pytest.mark.parametrize("said", ["", "000000", "12345", "1234567", "abcdef", "１２３４５６"])
def test_anything_else_is_refused(said: str) -> None:
    assert not fits(SECRET, said, NOON)


def test_the_digits_of_another_firm_do_not_fit() -> None:
    code, _ = rolling_code(b"another firm's secret", NOON)
    assert not fits(SECRET, code, NOON)
