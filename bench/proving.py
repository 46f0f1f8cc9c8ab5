"""What a proof is: a command, the figures to be read from what it prints, and the sabotaged twins
that must have been found in the same run.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "=": operator.eq,
}


class Read(Struct, frozen=True, kw_only=True):
    """`pattern` finds the value as group `v`, and perhaps the number of tries as group `n`; `key`
    is a number by its name in the JSON that a bench prints. A goal is an operator and a number;
    without one the figure is only shown.
    """

    says: str
    pattern: str = ""
    key: str = ""
    goal: str = ""
    unit: str = ""


class Proof(Struct, frozen=True, kw_only=True):
    """`kind` is the chapter; `of` the invariants and goals that it speaks for; `twins` are names of
    tests of the same command that plant a fault and pass when it is found.
    """

    name: str
    kind: str
    what: str
    command: Sequence[str]
    reads: Sequence[Read]
    of: Sequence[str] = ()
    twins: Sequence[str] = ()
    env: Mapping[str, str] = {}
    minutes: int = 10


PROOFS = msgspec.toml.decode(
    (Path(__file__).parent / "proofs.toml").read_bytes(), type=dict[str, tuple[Proof, ...]]
)["proof"]


class Figure(Struct, frozen=True, kw_only=True):
    """One figure as it was read. `met` is None where there is no goal."""

    says: str
    value: str
    unit: str
    goal: str
    met: bool | None
    tries: int | None


class Result(Struct, frozen=True, kw_only=True):
    """A proof as it went. `wrong` says what stands in the way of its figures."""

    name: str
    commit: str
    day: str
    seconds: int
    figures: list[Figure]
    twins: dict[str, bool]
    wrong: str = ""

    @property
    def holds(self) -> bool:
        return (
            not self.wrong
            and all(figure.met is not False for figure in self.figures)
            and all(self.twins.values())
        )


def read_all(proof: Proof, said: str) -> list[Figure]:
    return [figure for read in proof.reads for figure in _read(read, said)]


def _read(read: Read, said: str) -> list[Figure]:
    """Every place where it stands; a figure that is missing is one that is not met."""
    pattern = read.pattern or rf'"{re.escape(read.key)}":\s?(?P<v>[\d.]+)'
    found = list(re.finditer(pattern, said))
    if not found:
        return [_figure(read, "not printed", None, met=False)]
    return [_of(read, match) for match in found]


def _of(read: Read, match: re.Match[str]) -> Figure:
    groups = match.groupdict()
    value = groups.get("v") or ""
    tries = int(groups["n"].replace(",", "")) if groups.get("n") else None
    return _figure(read, value, tries, met=meets(read.goal, value) if read.goal else None)


def _figure(read: Read, value: str, tries: int | None, *, met: bool | None) -> Figure:
    return Figure(says=read.says, value=value, unit=read.unit, goal=read.goal, met=met, tries=tries)


def meets(goal: str, value: str) -> bool:
    sign, _, wanted = goal.partition(" ")
    return OPERATORS[sign](float(value), float(wanted))


def twins_found(proof: Proof, said: str) -> dict[str, bool]:
    """Each twin is a test that passed; a parametrised one in all its forms."""
    return {twin: _all_passed(twin, said) for twin in proof.twins}


def _all_passed(twin: str, said: str) -> bool:
    told = re.findall(
        rf"^(PASSED|FAILED|ERROR|SKIPPED)\b.*::{re.escape(twin)}\b", said, re.MULTILINE
    )
    return bool(told) and set(told) == {"PASSED"}


def bound(tries: int) -> float:
    """What the rate of failures is below, with 95 % confidence, after so many tries without one:
    the rule of three (Hanley and Lippman-Hand, JAMA 249, 1983).
    """
    return 3 / tries
