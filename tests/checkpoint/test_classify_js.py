"""What was read is called by the same name in Python and in the console's JavaScript."""

import shutil
from pathlib import Path
from random import Random

import pytest

from kernel.errors import Refused
from kernel.privacy import Vault
from registry.passes import HINTS, check_digit, read_pass
from tests.http import MASTER_KEY
from tests.node import in_node
from tests.support import REPOSITORY

STATIC = REPOSITORY / "checkpoint/static/console"
HARNESS = """
import { readFileSync } from "node:fs";
import { classify } from "./console/decide.js";
const { hints, texts } = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(texts.map((text) => classify(text, hints).kind)));
"""
WIDE = {ord("0") + n: 0xFF10 + n for n in range(10)}
PLAIN = (
    "", " ", "你好", "hello", "豫B12345", "豫b·12345", "豫AD12345", "豫B678挂", "https://example.org/",
    "HTTP://example.org/x", "https://x.cn/t/ABCDE12345", "https://x.cn/t/ABCDE12345/",
    "https://x.cn/t/short", "ftp://x.cn/t/ABCDE12345", "https://", "weixin://x",
)  # fmt: skip


def texts() -> list[str]:
    """Passes, passes mistyped, payment and other codes, addresses, plates and plain words."""
    dice = Random(2022)
    made = [*PLAIN, *(f"https://x.cn/?{hint}=1" for _, hints in HINTS for hint in hints)]
    made += [hint.upper() for _, hints in HINTS for hint in hints]
    for length in (10, 16, 18, 20, 21, 22, 23, 24, 25, 26, 27, 209, 210, 230):
        for _ in range(20):
            digits = "".join(dice.choice("0123456789") for _ in range(length))
            right = digits[:-1] + check_digit(digits[:-1])
            spaced = " ".join(right[at : at + 4] for at in range(0, len(right), 4))
            made += [digits, right, spaced, f" {right}\n", right.translate(WIDE)]
    return made


def in_python(text: str) -> str:
    """By what reading it as a pass comes to; whether plain words are a plate is asked later."""
    try:
        read_pass(text, Vault(MASTER_KEY), "4102")
    except Refused as refused:
        if refused.code == "not_a_pass":
            return str(refused.facts["kind"])
        return "pass_mistyped" if refused.code == "pass_mistyped" else "pass"
    return "pass"


def differing(tmp_path: Path, right: str = "", wrong: str = "") -> list[tuple[str, str, str]]:
    shutil.copytree(STATIC, tmp_path / "console")
    shutil.copy(REPOSITORY / "registry/static/verify-pass.js", tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}', "utf-8")
    (tmp_path / "harness.js").write_text(HARNESS, "utf-8")
    decide = tmp_path / "console/decide.js"
    source = decide.read_text("utf-8")
    assert right in source
    decide.write_text(source.replace(right, wrong) if right else source, "utf-8")
    said = in_node(tmp_path / "harness.js", {"hints": HINTS, "texts": texts()})
    found = ["text" if kind == "plate" else kind for kind in said]
    return [
        (text, js, py)
        for text, js in zip(texts(), found, strict=True)
        if js != (py := in_python(text))
    ]


def test_both_call_it_by_the_same_name(tmp_path: Path) -> None:
    assert differing(tmp_path) == []


def test_every_name_is_there() -> None:
    named = {in_python(text) for text in texts()}
    assert named >= {"pass", "pass_mistyped", "payment_code", "place_code", "url", "text"}
    assert named >= {kind for kind, _ in HINTS}


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("LEAST_NEARLY = 22", "LEAST_NEARLY = 23"),
        ("MOST_NEARLY = 26", "MOST_NEARLY = 25"),
        ("const OFFLINE = 210", "const OFFLINE = 211"),
        ("|| 10) * 2) % 11", "|| 11) * 2) % 11"),
        ("text.toLowerCase()", "text"),
        ('read.normalize("NFKC")', "read"),
    ],
)
def test_a_planted_difference_is_found(tmp_path: Path, right: str, wrong: str) -> None:
    assert differing(tmp_path, right, wrong)
