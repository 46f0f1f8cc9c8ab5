"""What a driver taps on the page of times, and the moments that the record gets from it."""

from datetime import UTC, datetime

import pytest

from closedloop.question_times import STAYS, chosen, moments, offered, placed
from kernel.i18n import load_catalogues, use_locale
from tests.support import REPOSITORY

pytestmark = pytest.mark.usefixtures("sentences")
#: 22:20 in Shanghai.
EVENING = datetime(2022, 4, 12, 14, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def sentences() -> None:
    load_catalogues([REPOSITORY / floor / "locale" for floor in ("kernel", "closedloop")])


def values(typed: dict[str, str]) -> tuple[str, str]:
    made = moments(typed)
    return made["expected_entry_at"], made["expected_exit_at"]


def test_a_near_hour_and_a_stay_are_two_moments() -> None:
    assert values({"entry_at": "2022-04-12T23:00", "stay": "12"}) == (
        "2022-04-12T23:00",
        "2022-04-13T11:00",
    )


def test_a_day_and_an_hour_do_as_well() -> None:
    exact = {"entry_at": "", "entry_day": "2022-04-15", "entry_hour": "7", "stay": "48"}
    assert values(exact) == ("2022-04-15T07:00", "2022-04-17T07:00")


@pytest.mark.parametrize(
    "typed",
    [
        {},
        {"entry_day": "2022-04-15"},
        {"entry_day": "2022-04-15", "entry_hour": "24", "stay": "4"},
        {"entry_day": "nonsense", "entry_hour": "7", "stay": "4"},
        {"entry_at": "2022-04-31T10:00", "stay": "4"},
        {"entry_hour": "noon", "entry_day": "2022-04-15"},
    ],
)
def test_what_is_no_time_makes_no_moment(typed: dict[str, str]) -> None:
    assert values(typed) == ("", "")


@pytest.mark.parametrize("stay", ["", "0", "-4", "4.5", "99999", "x"])
def test_a_stay_that_is_none_leaves_the_exit_open(stay: str) -> None:
    assert values({"entry_at": "2022-04-12T23:00", "stay": stay}) == ("2022-04-12T23:00", "")


@pytest.mark.parametrize("stay", [str(hours) for hours in STAYS])
def test_moments_and_choices_say_the_same(stay: str) -> None:
    made = moments({"entry_at": "2022-04-12T23:00", "stay": stay})
    held = chosen({name: made[name] for name in ("expected_entry_at", "expected_exit_at")})
    assert (held["entry_at"], held["stay"]) == ("2022-04-12T23:00", stay)


def test_the_next_six_full_hours_are_a_tap_away_over_midnight_too() -> None:
    with use_locale("zh"):
        page = offered({}, {}, EVENING, 7)
    assert [choice.label for choice in page["near"]] == [
        "23:00",
        "4月13日 00:00",
        "4月13日 01:00",
        "4月13日 02:00",
        "4月13日 03:00",
        "4月13日 04:00",
    ]
    assert page["near"][1].value == "2022-04-13T00:00"
    assert not page["exact"]


def test_an_hour_that_is_not_near_opens_day_and_hour_and_a_tap_leads_back() -> None:
    far = {"entry_at": "2022-04-15T07:00"}
    assert offered(far, {}, EVENING, 7)["exact"]
    assert not offered(far, {"near": "yes"}, EVENING, 7)["exact"]
    assert offered({}, {"exact": "yes"}, EVENING, 7)["exact"]
    assert offered({}, {"entry_day": "2022-04-15", "entry_hour": ""}, EVENING, 7)["exact"]


def test_a_stay_of_another_length_stands_among_the_choices() -> None:
    with use_locale("en"):
        labels = [choice.label for choice in offered({"stay": "21"}, {}, EVENING, 7)["stays"]]
    assert labels[:5] == ["4 hours", "8 hours", "12 hours", "21 hours", "1 day"]


def test_what_is_wrong_with_the_hour_stands_where_it_is_asked() -> None:
    errors = [{"field": "entry_at", "message": "m"}, {"field": "stay", "message": "n"}]
    assert [error["field"] for error in placed(errors, exact=True)] == ["entry_hour", "stay"]
    assert placed(errors, exact=False) == errors
