"""docs/operations.md names the settings and commands that there are, and no others."""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable

from checkpoint.__main__ import _parser  # pyright: ignore[reportPrivateUsage]
from tests.support import REPOSITORY

FOLDERS = ("kernel", "registry", "closedloop", "alerts", "checkpoint")
_SETTING = re.compile(r"\bCHECKPOINT_[A-Z_]*[A-Z]\b")
#: A row of a table that begins with a setting or a command.
_ROW = re.compile(r"^\| `([^|]*)` \|", re.MULTILINE)


def page() -> str:
    return (REPOSITORY / "docs" / "operations.md").read_text("utf-8")


def part(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def settings_of_the_code() -> set[str]:
    """What is read from the environment: texts in quotes, not sentences about them."""
    files = (file for folder in FOLDERS for file in (REPOSITORY / folder).rglob("*.py"))
    read = re.compile(r"""["'](CHECKPOINT_[A-Z_]+|DATABASE_URL|HOST|PORT)["']""")
    return {name for file in files for name in read.findall(file.read_text("utf-8"))}


def settings_of(text: str) -> set[str]:
    cells = _ROW.findall(part(text, "Settings"))
    return {name for cell in cells for name in re.split(r"`, `", cell)}


def unknown_settings(text: str, known: set[str]) -> set[str]:
    return set(_SETTING.findall(text)) - known


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Argparse has no other way to ask for them."""
    chosen = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return {name: made for each in chosen for name, made in each.choices.items()}


def words_of(parser: argparse.ArgumentParser) -> set[str]:
    """Options and choices of a command, those of its own commands too."""
    words: set[str] = set()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            continue
        words |= {word for word in action.option_strings if word.startswith("--")}
        if not action.option_strings:
            words |= {str(choice) for choice in action.choices or ()}
    for name, made in subcommands(parser).items():
        words |= {name, *words_of(made)}
    return words - {"--help"}


def commands_of(text: str) -> dict[str, str]:
    """Command → its cell of the table."""
    cells = _ROW.findall(part(text, "Starting and stopping"))
    return {cell.split(" ", 1)[0].strip("`"): cell for cell in cells}


def unsaid(text: str) -> list[str]:
    """Options and actions that stand nowhere on the page."""
    told = commands_of(text)
    return sorted(
        f"{name} {word}"
        for name, made in subcommands(_parser()).items()
        for word in words_of(made)
        if name not in told or word not in text
    )


def misspelt(text: str) -> list[str]:
    """`checkpoint …` on the page that the program would not take."""
    known = subcommands(_parser())
    return sorted(
        {
            line
            for line in re.findall(r"checkpoint ([a-z]+(?: [a-z-]+)?)", _as_code(text))
            if not _taken(line.split(" "), known)
        }
    )


def _taken(words: Iterable[str], known: dict[str, argparse.ArgumentParser]) -> bool:
    name, *rest = words
    if name not in known:
        return False
    acts = {word for word in words_of(known[name]) if not word.startswith("--")}
    return not rest or not acts or rest[0] in acts


def _as_code(text: str) -> str:
    blocks = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text))])


def test_every_setting_stands_in_the_table_and_no_other() -> None:
    known = settings_of_the_code()
    assert {"CHECKPOINT_DATA", "CHECKPOINT_SMS_SECRET", "DATABASE_URL"} <= known
    assert settings_of(page()) == known
    assert unknown_settings(page(), known) == set()


def test_a_setting_that_is_missing_or_made_up_is_found() -> None:
    text, known = page(), settings_of_the_code()
    assert settings_of(text.replace("| `CHECKPOINT_SMS` |", "| sms |")) != known
    assert unknown_settings(text + "`CHECKPOINT_SPEED`", known) == {"CHECKPOINT_SPEED"}


def test_every_command_stands_in_the_table_with_what_it_takes() -> None:
    assert set(commands_of(page())) == set(subcommands(_parser()))
    assert unsaid(page()) == []
    assert misspelt(page()) == []


def test_a_command_that_is_missing_or_misspelt_is_found() -> None:
    text = page()
    assert unsaid(text.replace("--dry-run", "")) == ["retention --dry-run"]
    assert "vault rewrap" in unsaid(text.replace("rewrap", ""))
    assert misspelt(text + "`checkpoint destroy`, `checkpoint vault burn`") == [
        "destroy",
        "vault burn",
    ]


def test_the_command_says_what_there_is() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "checkpoint", "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(name in shown.stdout for name in commands_of(page()))
