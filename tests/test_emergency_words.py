"""Nothing in the code names an emergency: its words stand in packs, catalogues and tests."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import REPOSITORY

ROOMS = ("kernel", "registry", "closedloop", "alerts", "checkpoint", "bench", "scripts")
WRITTEN_BY_OTHERS = "vendor"
#: Of diseases, tests, animals, floods: whatever a pack may be about.
WORDS = re.compile(
    r"epidem|pandem|virus|covid|disease|infect|quarantin|vaccin|nucleic|swab|fever|symptom|cough"
    r"|health.?code|risk.?area|livestock|cattle|ear.?tag|veterinar|disinfect|flood|dyke|relief"
    r"|疫|核酸|健康码|风险地区|发热|检疫|耳标|消毒|生猪|防汛",
    re.IGNORECASE,
)


def written(root: Path) -> Iterator[Path]:
    for room in ROOMS:
        for kind in ("*.py", "*.js", "*.html"):
            files = (root / room).rglob(kind)
            yield from (file for file in files if WRITTEN_BY_OTHERS not in file.parts)


def named(root: Path) -> list[str]:
    return [
        f"{file.relative_to(root)}:{number} {found[0]}"
        for file in sorted(written(root))
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if (found := WORDS.search(line))
    ]


def test_no_code_names_an_emergency():
    assert named(REPOSITORY) == []


def test_enough_was_read():
    assert len(list(written(REPOSITORY))) > 200


@pytest.mark.parametrize(
    "line", ['if kind == "health_code":', "const VIRUS = 1;", "# 核酸检测", "<p>Any fever?</p>"]
)
def test_a_word_that_was_planted_is_found(tmp_path: Path, line: str):
    file = tmp_path / "registry" / "planted.py"
    file.parent.mkdir()
    file.write_text(f"x = 1\n{line}\n", "utf-8")
    assert len(named(tmp_path)) == 1
