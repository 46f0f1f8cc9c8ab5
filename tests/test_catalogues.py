"""Every sentence exists in both languages, and no page carries one of its own."""

import ast
import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[1]
FLOORS = ("kernel", "registry", "closedloop", "alerts", "checkpoint")
LOCALES = ("zh", "en")
CJK = re.compile(r"[\u3400-\u9fff\u3000-\u303f\uff01-\uff5e]")
FACT = re.compile(r"\{(\w+)\}")
CALL = re.compile(r"""\bt\(\s*(["'])([\w.]+)\1\s*(~)?""")
CHOSEN = re.compile(r"""["'](ui\.[\w.]+)["']""")
REFUSALS = {
    "Refused",
    "Malformed",
    "Unauthenticated",
    "Forbidden",
    "NotFound",
    "Conflict",
    "TooLarge",
    "Unprocessable",
    "TooMany",
    "Unavailable",
}
CARDS = ("green", "yellow", "white", "red", "duplicate", "wrong_code")
STATES = (
    "draft",
    "issued",
    "presented",
    "verifying",
    "turned_back",
    "held",
    "transferred",
    "released",
    "incident",
    "overdue",
    "enquiry",
    "arrived",
    "discrepancy",
    "confirmed",
    "exit_pending",
    "discharged",
    "closed_by_officer",
    "referred",
    "lapsed",
    "voided",
    "cancelled",
)


def sentences(floor: str, locale: str) -> dict[str, str]:
    path = ROOT / floor / "locale" / f"{locale}.po"
    with path.open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file, abort_invalid=True) if m.id}


def everything(locale: str) -> dict[str, str]:
    return dict(chain.from_iterable(sentences(floor, locale).items() for floor in FLOORS))


def templates() -> list[Path]:
    return sorted(chain.from_iterable((ROOT / f / "templates").glob("*.html") for f in FLOORS))


def sources() -> list[Path]:
    return sorted(chain.from_iterable((ROOT / floor).rglob("*.py") for floor in FLOORS))


def codes_raised(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(code)), *_]) if (
                name in REFUSALS
            ):
                yield code
            case _:
                pass


def bilingual(node: Any, where: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Find every object that speaks at least one of our languages."""
    if isinstance(node, dict):
        if node.keys() & set(LOCALES):
            yield where, node
            return
        for key, value in node.items():
            yield from bilingual(value, f"{where}.{key}")
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from bilingual(value, f"{where}[{place}]")


@pytest.mark.parametrize("floor", FLOORS)
def test_both_languages_have_the_same_keys_and_none_is_empty(floor: str) -> None:
    chinese, english = sentences(floor, "zh"), sentences(floor, "en")
    assert chinese.keys() == english.keys()
    assert [key for key in chinese if not (chinese[key].strip() and english[key].strip())] == []


@pytest.mark.parametrize("floor", FLOORS)
def test_both_languages_use_the_same_facts(floor: str) -> None:
    chinese, english = sentences(floor, "zh"), sentences(floor, "en")
    differing = [
        k for k in chinese if set(FACT.findall(chinese[k])) != set(FACT.findall(english[k]))
    ]
    assert differing == []


@pytest.mark.parametrize("locale", LOCALES)
def test_a_key_lives_on_one_floor_only(locale: str) -> None:
    keys = list(chain.from_iterable(sentences(floor, locale) for floor in FLOORS))
    assert sorted({key for key in keys if keys.count(key) > 1}) == []


@pytest.mark.parametrize("floor", FLOORS)
@pytest.mark.parametrize("locale", LOCALES)
def test_no_sentence_waits_for_its_translator(floor: str, locale: str) -> None:
    with (ROOT / floor / "locale" / f"{locale}.po").open("rb") as file:
        assert [message.id for message in read_po(file) if message.fuzzy] == []


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.name)
def test_a_template_contains_no_chinese_of_its_own(path: Path) -> None:
    assert CJK.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.name)
def test_every_key_that_a_template_names_exists(path: Path) -> None:
    known = everything("zh").keys()
    text = path.read_text(encoding="utf-8")
    missing = [
        key
        for _, key, joined in CALL.findall(text)
        if (not joined and key not in known)
        or (joined and not any(one.startswith(key) for one in known))
    ]
    # A key chosen by a condition is a literal too: t("ui.a" if x else "ui.b").
    chosen = [k for k in CHOSEN.findall(text) if not k.endswith(".") and k not in known]
    assert missing + chosen == []


@pytest.mark.parametrize("locale", LOCALES)
def test_every_refusal_says_what_to_do_next(locale: str) -> None:
    known = everything(locale).keys()
    raised = {
        (path.relative_to(ROOT).as_posix(), code)
        for path in sources()
        for code in codes_raised(path.read_text(encoding="utf-8"))
    }
    assert raised
    assert sorted(pair for pair in raised if f"error.{pair[1]}" not in known) == []


@pytest.mark.parametrize("locale", LOCALES)
def test_every_card_and_every_state_has_its_word(locale: str) -> None:
    known = everything(locale).keys()
    wanted = [*(f"card.{card}" for card in CARDS), *(f"state.{state}" for state in STATES)]
    assert [key for key in wanted if key not in known] == []


def test_the_verbs_are_the_agreed_ones() -> None:
    chinese, english = everything("zh"), everything("en")
    words = {card: (chinese[f"card.{card}"], english[f"card.{card}"]) for card in CARDS}
    assert words == {
        "green": ("放行", "PASS"),
        "yellow": ("核验", "CHECK"),
        "white": ("劝返", "TURN BACK"),
        "red": ("管控", "HOLD"),
        "duplicate": ("重复", "DUPLICATE"),
        "wrong_code": ("不是通行码", "NOT A PASS"),
    }
    for card, (verb, gloss) in words.items():
        assert (english[f"card.{card}.gloss"], chinese[f"card.{card}.gloss"]) == (verb, gloss)


SCENARIOS = sorted((ROOT / "registry" / "scenarios").glob("*.json"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_shipped_scenario_speaks_both_languages(path: Path) -> None:
    spoken = list(bilingual(json.loads(path.read_text(encoding="utf-8")), path.stem))
    assert spoken
    assert [where for where, said in spoken if not all(said.get(name) for name in LOCALES)] == []


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_rule_of_a_shipped_scenario_has_a_sentence(path: Path) -> None:
    rules = json.loads(path.read_text(encoding="utf-8"))["rules"]
    assert rules
    assert [rule["code"] for rule in rules if not bilingual_sentence(rule)] == []


def bilingual_sentence(rule: dict[str, Any]) -> bool:
    said = rule.get("sentence")
    return isinstance(said, dict) and all(said.get(name) for name in LOCALES)


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.name)
def test_a_template_contains_no_english_of_its_own(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for aside in (r"\{% block width %\}\w*", r"\{#.*?#\}", r"\{%.*?%\}", r"\{\{.*?\}\}"):
        text = re.sub(aside, "", text, flags=re.DOTALL)
    words = re.sub(r"<[^>]*>", " ", text)
    assert re.findall(r"[A-Za-z]{2,}", words) == []
