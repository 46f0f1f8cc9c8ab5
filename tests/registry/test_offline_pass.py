"""The offline pass: one string of digits for each pass, and none that nobody signed."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

import pytest
import segno
from cryptography.hazmat.primitives.asymmetric.ec import derive_private_key
from hypothesis import given
from hypothesis import strategies as st

from bench.forgeries import MUTATIONS, accepted, forgeries, stock
from kernel.errors import Unprocessable
from registry import offline_pass
from registry.offline_pass import CURVE, ORDER, OfflinePass, PublicKeys, read_offline, written
from registry.passes import classify, may_be_offline, new_movement_id, pass_number, read_pass
from tests.registry.test_passes import CITY, OTHER_VAULT, VAULT
from tests.vectors.make_offline_pass import FILE, KEYS, LISTED, PLAIN, made, told

VECTORS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
PUBLIC: PublicKeys = {kid: KEYS[kid].public_key() for kid in LISTED}
TRIES = 4_000

seconds = st.integers(0, 2**32 - 1).map(lambda at: datetime.fromtimestamp(at, UTC))
plates = st.text(min_size=1, max_size=8).filter(
    lambda text: len(text.encode("utf-8", "replace")) <= 24 and text.isprintable()
)
passes = st.builds(
    lambda window, **said: OfflinePass(window_from=min(window), window_to=max(window), **said),
    st.tuples(seconds, seconds),
    movement_id=st.integers(10**12, 10**13 - 1),
    entry_place_id=st.integers(0, 2**32 - 1),
    stops=st.lists(st.integers(0, 2**32 - 1), max_size=3).map(tuple),
    plate=plates,
    trailer_plate=st.just("") | plates,
)


def refusal(digits: str, keys: PublicKeys = PUBLIC) -> str:
    with pytest.raises(Unprocessable) as caught:
        read_offline(digits, keys)
    assert caught.value.facts == {}
    return caught.value.code


@pytest.mark.parametrize("case", VECTORS["accepted"], ids=lambda case: case["name"])
def test_a_vector_that_is_to_be_read_is_read(case: dict[str, Any]) -> None:
    assert told(read_offline(case["digits"], PUBLIC)) == case["pass"]


@pytest.mark.parametrize("case", VECTORS["refused"], ids=lambda case: case["name"])
def test_a_vector_that_is_to_be_refused_is_refused(case: dict[str, Any]) -> None:
    assert refusal(case["digits"]) == case["code"]


def test_the_vectors_are_many_and_are_what_their_script_makes() -> None:
    assert len(VECTORS["accepted"]) + len(VECTORS["refused"]) >= 30
    assert {case["code"] for case in VECTORS["refused"]} == {
        "pass_malformed",
        "pass_version_unknown",
        "pass_key_unknown",
        "pass_forged",
    }
    assert FILE.read_text("utf-8") == made()


@given(passes, st.sampled_from(LISTED))
def test_what_was_written_is_read_and_written_the_same_again(said: OfflinePass, kid: int) -> None:
    digits = written(said, kid, KEYS[kid])
    assert digits.isdecimal()
    assert read_offline(digits, PUBLIC) == said
    assert written(said, kid, KEYS[kid]) == digits


def test_a_usual_pass_is_a_small_code() -> None:
    truck = OfflinePass(
        movement_id=4102999999999,
        window_from=PLAIN.window_from,
        window_to=PLAIN.window_to,
        entry_place_id=40,
        stops=(70001, 70002, 70003),
        plate="豫A1234应急",
        trailer_plate="豫B1234挂",
    )
    digits = written(truck, 255, KEYS[1])
    assert len(digits) <= 320
    drawn = segno.make(digits, error="m", micro=False, boost_error=False)
    assert int(drawn.version) <= 9
    assert drawn.mode == "numeric"


def test_both_ends_of_the_window_belong_to_it() -> None:
    second = timedelta(seconds=1)
    assert [PLAIN.covers(PLAIN.window_from + by) for by in (-second, 0 * second)] == [False, True]
    assert [PLAIN.covers(PLAIN.window_to + by) for by in (0 * second, second)] == [True, False]


def test_nothing_personal_fits_into_a_pass() -> None:
    assert set(OfflinePass.__struct_fields__) == {
        "movement_id",
        "window_from",
        "window_to",
        "entry_place_id",
        "stops",
        "plate",
        "trailer_plate",
    }


@given(passes)
def test_the_twin_signature_is_refused(said: OfflinePass) -> None:
    digits = written(said, 1, KEYS[1])
    data = int(digits).to_bytes(200).lstrip(b"\0")
    twin = data[:-32] + (ORDER - int.from_bytes(data[-32:])).to_bytes(32)
    assert offline_pass.is_signed(twin[:-64], twin[-64:], PUBLIC[1])
    assert refusal(offline_pass.digits_of(twin)) == "pass_forged"


@given(st.text(max_size=420))
def test_no_text_makes_the_reader_fail_otherwise_than_by_refusal(text: str) -> None:
    refusal(text)


@given(st.integers(10**209, 10**400 - 1))
def test_no_number_makes_the_reader_fail_otherwise_than_by_refusal(number: int) -> None:
    refusal(str(number))


def tried(number: int, seed: int = 7) -> tuple[Counter[str], Counter[str]]:
    random = Random(seed)
    genuine = stock(random, 40)
    assert all(accepted(digits, genuine.keys) for digits in genuine.digits)
    names: Counter[str] = Counter()
    through: Counter[str] = Counter()
    for name, digits in islice(forgeries(random, genuine), number):
        names[name] += 1
        through[name] += accepted(digits, genuine.keys)
    return names, +through


def test_no_forged_pass_is_accepted() -> None:
    names, through = tried(TRIES)
    assert len(names) == len(MUTATIONS)
    assert not through


def test_a_reader_without_the_check_of_signatures_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline_pass, "is_signed", lambda *_: True)
    _, through = tried(TRIES)
    assert {"bit", "spliced", "signed_by_the_forger", "other_words"} <= set(through)


def test_a_reader_without_the_rule_of_the_low_s_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline_pass, "is_canonical", lambda _: True)
    _, through = tried(TRIES)
    assert set(through) == {"negated"}


def test_a_reader_that_takes_a_zero_in_front_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    lax = offline_pass.re.compile(r"[0-9]+")
    monkeypatch.setattr(offline_pass, "_DIGITS", lax)
    _, through = tried(TRIES)
    assert set(through) == {"written_otherwise"}


def test_a_thousand_fresh_passes_are_read() -> None:
    genuine = stock(Random(11), 1000)
    read = [read_offline(digits, genuine.keys) for digits in genuine.digits]
    assert read == genuine.said


def test_where_a_pass_is_read_the_offline_one_is_read_as_well() -> None:
    movement_id = new_movement_id(CITY)
    digits = written(offline_pass.OfflinePass(**fields(movement_id)), 1, KEYS[1])
    assert classify(digits) == "pass"
    assert may_be_offline(digits)
    assert not may_be_offline(pass_number(movement_id, VAULT))
    spaced = " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in digits)
    for typed in (digits, digits + "\r\n", spaced, wide):
        # The digits tell of no vault: whoever holds the public keys may read.
        assert read_pass(typed, OTHER_VAULT, CITY, PUBLIC) == movement_id


@pytest.mark.parametrize("code", ["pass_key_unknown", "pass_of_other_city", "pass_forged"])
def test_an_offline_pass_that_is_not_ours_says_why(code: str) -> None:
    foreign = new_movement_id("4101" if code == "pass_of_other_city" else CITY)
    key = derive_private_key(99, CURVE) if code == "pass_forged" else KEYS[1]
    digits = written(OfflinePass(**fields(foreign)), 1, key)
    keys = {} if code == "pass_key_unknown" else PUBLIC
    with pytest.raises(Unprocessable) as caught:
        read_pass(digits, VAULT, CITY, keys)
    assert caught.value.code == code


def fields(movement_id: int) -> dict[str, Any]:
    start = PLAIN.window_from
    return {
        "movement_id": movement_id,
        "window_from": start,
        "window_to": start + timedelta(hours=30),
        "plate": "豫B12345",
    }
