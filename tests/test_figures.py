"""docs/figures.md is what the proofs printed and nothing else, and each proof names what exists."""

import re
from pathlib import Path

import msgspec
import pytest

from bench.figures_page import CHAPTERS, INVARIANTS, page
from bench.prove import KEPT, PAGE, Kept
from bench.proving import PROOFS, Proof, Read, Result, bound, meets, read_all, twins_found
from tests.support import REPOSITORY

PROOF = Proof(
    name="made-up",
    kind="right",
    what="",
    command=("pytest", "tests/nothing.py"),
    reads=(Read(says="lost", pattern=r"tried=(?P<n>\d+) lost=(?P<v>\d+)", goal="= 0"),),
    twins=("test_a_thief_is_found",),
)


def kept() -> Kept:
    return msgspec.json.decode(KEPT.read_bytes(), type=Kept)


def test_the_page_is_written_from_what_was_printed() -> None:
    said = kept()
    assert page(said.machine, PROOFS, said.results) == PAGE.read_text("utf-8")


def test_a_figure_that_is_typed_by_hand_is_found() -> None:
    said = kept()
    forged = PAGE.read_text("utf-8").replace("| 0 | = 0 | yes |", "| 7 | = 0 | yes |", 1)
    assert page(said.machine, PROOFS, said.results) != forged


def test_every_invariant_has_its_proof_and_every_proof_its_chapter() -> None:
    spoken_for = {number for proof in PROOFS for number in proof.of}
    assert spoken_for == set(INVARIANTS)
    assert {proof.kind for proof in PROOFS} == set(CHAPTERS)
    assert len({proof.name for proof in PROOFS}) == len(PROOFS)


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.name)
def test_what_a_proof_runs_exists_with_its_twins(proof: Proof) -> None:
    texts = "\n".join(_file(word).read_text("utf-8") for word in proof.command if word != "pytest")
    for twin in proof.twins:
        assert f"def {twin}(" in texts, f"{proof.name}: {twin} is in none of its files"
    for read in proof.reads:
        assert bool(read.pattern) != bool(read.key)
        assert not read.pattern or "v" in re.compile(read.pattern).groupindex


def _file(word: str) -> Path:
    return REPOSITORY / (word if word.endswith(".py") else word.replace(".", "/") + ".py")


@pytest.mark.parametrize(
    ("said", "met"),
    [
        ("tried=1200 lost=0", True),
        ("tried=1200 lost=1", False),
        ("it broke before it could say", False),
    ],
)
def test_a_figure_is_met_or_not(said: str, met: bool) -> None:
    (figure,) = read_all(PROOF, said)
    assert figure.met is met


def test_tries_without_a_failure_bound_the_rate() -> None:
    (figure,) = read_all(PROOF, "tried=1200 lost=0")
    assert figure.tries is not None
    assert bound(figure.tries) == 3 / 1200


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ("PASSED tests/nothing.py::test_a_thief_is_found", True),
        ("PASSED tests/nothing.py::test_a_thief_is_found[by day]", True),
        ("FAILED tests/nothing.py::test_a_thief_is_found - he got away", False),
        (
            "PASSED tests/a.py::test_a_thief_is_found[a]\nFAILED tests/a.py::test_a_thief_is_found[b]",
            False,
        ),
        ("PASSED tests/nothing.py::test_a_thief_is_founder", False),
        ("", False),
    ],
)
def test_a_twin_counts_when_each_of_its_forms_was_found(told: str, found: bool) -> None:
    assert twins_found(PROOF, told) == {"test_a_thief_is_found": found}


def test_a_proof_holds_with_its_figures_and_its_twins_only() -> None:
    def result(said: str, wrong: str = "") -> Result:
        return Result(
            name="made-up",
            commit="0",
            day="2022-05-01",
            seconds=1,
            figures=read_all(PROOF, said),
            twins=twins_found(PROOF, said),
            wrong=wrong,
        )

    good = "tried=9 lost=0\nPASSED tests/nothing.py::test_a_thief_is_found"
    assert result(good).holds
    assert not result(good.replace("PASSED", "FAILED")).holds
    assert not result(good.replace("lost=0", "lost=2")).holds
    assert not result(good, wrong="1 failed").holds


def test_goals_are_compared_as_numbers() -> None:
    assert meets("<= 50", "9.5")
    assert not meets("<= 50", "50.1")
    assert meets(">= 1.5", "1.50")
    assert meets("= 0", "0")
