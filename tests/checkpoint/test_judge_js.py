"""The console's verdict in JavaScript is that of Python, on thousands of golden cases."""

import gzip
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from registry.rules import Check
from tests.node import in_node
from tests.support import REPOSITORY
from tests.vectors.make_judge import FILE, vectors

JUDGE = REPOSITORY / "checkpoint/static/console/judge.js"
HARNESS = """
import { readFileSync } from "node:fs";
const { judge } = await import(process.argv[2]);
const { rules, cases } = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(cases.map((one) => judge(one.pass, rules[one.rules],
  { at: one.at, plateSeen: one.plate_seen, sources: one.sources }))));
"""


@cache
def golden() -> dict[str, Any]:
    return json.loads(gzip.decompress(FILE.read_bytes()))


def in_javascript(tmp_path: Path, source: str) -> list[dict[str, Any]]:
    judge, harness = tmp_path / "judge.mjs", tmp_path / "harness.mjs"
    judge.write_text(source, "utf-8")
    harness.write_text(HARNESS, "utf-8")
    return in_node(harness, golden(), judge)


def differing(found: list[dict[str, Any]]) -> list[int]:
    return [
        number
        for number, (case, verdict) in enumerate(zip(golden()["cases"], found, strict=True))
        if (case["card"], case["failures"], case["rules"], case["priority"])
        != (verdict["card"], verdict["failures"], verdict["rules_version"], verdict["priority"])
    ]


def test_the_cases_are_what_python_says_today() -> None:
    assert golden() == vectors(), "make them anew: python -m tests.vectors.make_judge"


def test_there_are_enough_and_of_every_kind() -> None:
    cases, sets = golden()["cases"], golden()["rules"]
    assert len(cases) >= 2000
    cards = Counter(case["card"] for case in cases)
    assert min(cards[card] for card in ("green", "yellow", "white", "red")) > 100
    assert 100 < sum(case["priority"] for case in cases) < cards["green"] - 100
    checks = {
        rule["check"]
        for case in cases
        for failure in case["failures"]
        for rule in sets[str(case["rules"])]["rules"]
        if rule["code"] == failure["code"]
    }
    assert checks == set(Check)


def test_javascript_gives_the_same_cards_for_the_same_reasons(tmp_path: Path) -> None:
    assert differing(in_javascript(tmp_path, JUDGE.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("pass.f <= at && at <= pass.u", "pass.f <= at"),
        ("at <= pass.u", "at < pass.u"),
        ("age > (rule.hours ?? 0) * HOUR", "age >= (rule.hours ?? 0) * HOUR"),
        ("![pass.p, pass.t].includes(plateSeen)", "pass.p !== plateSeen"),
        ("at < u", "at <= u"),
        ('=== "vehicle"', '=== "lorry"'),
        ('"yellow" : rule.card', '"red" : rule.card'),
        ("kind.fresh_hours * HOUR", "(kind.fresh_hours + 1) * HOUR"),
        ('pass.s === "withdrawn"', "false"),
        ("failures.sort", "failures.slice().sort"),
        (".toUpperCase()", ""),
        ("at < proof.u", "at <= proof.u"),
        ("(proof.u ?? null) === null || at < proof.u", "true"),
        ('card === "green" && goesFirst(seen)', "goesFirst(seen)"),
        ("!priority.goods.includes(seen.pass.g)", "false"),
    ],
)
def test_a_planted_difference_is_found(tmp_path: Path, right: str, wrong: str) -> None:
    source = JUDGE.read_text("utf-8")
    assert right in source
    assert differing(in_javascript(tmp_path, source.replace(right, wrong)))
