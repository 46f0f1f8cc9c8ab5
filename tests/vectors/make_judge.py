"""Writes judge.json.gz: verdicts that Python and the console's JavaScript must give alike.
`python -m tests.vectors.make_judge` makes it anew, always the same.
"""

import gzip
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from msgspec.structs import replace

from checkpoint.bundle import compact, ms
from registry.judge import Standing, judge
from registry.model import Area, Card, Failure, Movement, Proof, Subject
from registry.rules import About, Mode, RuleSet, read_scenario, shipped
from tests.conftest import NOON
from tests.support import REPOSITORY

FILE = Path(__file__).parent / "judge.json.gz"
CASES = 3000
FLOOD = REPOSITORY / "tests/scenarios/flood-relief.json"
PLATES = (
    "豫B12345",
    "豫b·12345",
    " 豫B 1234 5",
    "豫B99999",
    "豫B678挂",
    "粤Z1234港",
    "ＷＪ01234A",
    "",
)
ORIGINS = ("山东省济南市历下区泉城路1号", "山东省 济南市 历下区", "河南省开封市", "")
Case = dict[str, Any]


def rule_sets() -> list[RuleSet]:
    packs = [read_scenario(path) for path in (*shipped(), FLOOD)]
    packs.append(_every_card_everywhere(packs[0]))
    return [replace(pack, version=number) for number, pack in enumerate(packs, 1)]


def _every_card_everywhere(rules: RuleSet) -> RuleSet:
    """White and red where the packs have yellow, so that every card comes of every check."""
    cards = (Card.RED, Card.WHITE, Card.YELLOW)
    changed = [replace(rule, card=cards[n % 3]) for n, rule in enumerate(rules.rules)]
    return replace(rules, rules=tuple(reversed(changed)))


class Drawn:
    """One case after the other, from one die."""

    def __init__(self, rules: RuleSet, dice: Random) -> None:
        self.rules, self.dice = rules, dice
        self.trouble = dice.choice((0.0, 0.1, 0.35))

    def odd(self) -> bool:
        return self.dice.random() < self.trouble

    def proofs(self, about: About) -> dict[str, Proof]:
        return {
            kind.kind: self.proof(kind.values, kind.mode)
            for kind in self.rules.evidence
            if kind.about is about and (kind.mode is Mode.RECORD) != self.odd()
        }

    def proof(self, values: tuple[str, ...], mode: Mode) -> Proof:
        likely = values[0] if mode is Mode.RECORD else self.dice.choice(values)
        hours = self.dice.choice((1, 11.5, 12, 47.99, 48, 48.01, 119, 121, 400))
        return Proof(
            value=self.dice.choice(values) if self.odd() else likely,
            taken_at=NOON - timedelta(hours=hours if self.odd() else 2),
            source=self.dice.choice(("", " ", "省库")) if self.odd() else "省库",
            reference=self.dice.choice(("", "No. 7")),
            until=self.dice.choice((None, NOON, NOON + timedelta(hours=2))) if self.odd() else None,
        )

    def person(self, ordinal: int) -> Subject:
        return Subject(
            ordinal=ordinal,
            role="crew" if ordinal else "driver",
            masked_name="李**",
            declared={q.code: self.odd() for q in self.rules.questions if not self.odd()},
            evidence=self.proofs(About.PERSON),
        )

    def movement(self) -> Movement:
        begins = NOON - timedelta(hours=self.dice.choice((-1, 30, 31)) if self.odd() else 6)
        failures = (Failure(code="origin_missing", blocks=True, field="origin"),)
        return Movement(
            movement_id=4102000000001 + self.dice.randrange(10**9 - 2),
            version=1,
            plate="豫B12345",
            trailer_plate=self.dice.choice(("", "豫B678挂")),
            origin=self.dice.choice(ORIGINS),
            goods=self.dice.choice([goods.code for goods in self.rules.goods]),
            entry_place_id=1,
            stops=(11,),
            expected_entry_at=NOON,
            expected_exit_at=None,
            window_from=None if self.odd() else begins,
            window_to=None if self.odd() else begins + timedelta(hours=30),
            failures=failures if self.odd() else (),
            channel="unreported" if self.odd() else "driver",
            reported_at=NOON,
            vehicle=self.proofs(About.VEHICLE),
        )

    def areas(self) -> tuple[Area, ...]:
        kinds = [kind for kind in self.rules.evidence if kind.about is About.AREA]
        return tuple(
            Area(
                kind=kind.kind,
                name="济南历下",
                level=self.dice.choice((*kind.values, "other")),
                since=NOON + timedelta(hours=self.dice.choice((-5, 0, 1))),
                until=self.dice.choice((None, NOON, NOON + timedelta(hours=9))),
                words=("济南", "历下"),
                spared=self.dice.choice(((), ("泉城路1号",))),
                source="省疫情办" if self.odd() else "",
            )
            for kind in kinds
            if self.odd()
        )

    def sources(self) -> dict[str, datetime]:
        hours = (0, 23.9, 24, 24.1, 48.5, 170)
        return {
            kind.kind: NOON - timedelta(hours=self.dice.choice(hours) if self.odd() else 1)
            for kind in self.rules.evidence
            if kind.mode is Mode.LIST and not self.odd()
        }


def cases() -> Iterator[Case]:
    sets, dice = rule_sets(), Random(2022)
    for number in range(CASES):
        rules = sets[number % len(sets)]
        drawn = Drawn(rules, dice)
        movement, areas, sources = drawn.movement(), drawn.areas(), drawn.sources()
        people = tuple(drawn.person(n) for n in range(dice.choice((1, 1, 2, 3))))
        standing = dice.choice(list(Standing)) if drawn.odd() else Standing.VALID
        at = NOON + timedelta(seconds=dice.choice((0, 1, 3600)))
        seen = dice.choice(PLATES) if drawn.odd() else ""
        verdict = judge(
            movement, people, rules, None, at, seen,
            sources=sources, standing=standing, areas=areas,
        )  # fmt: skip
        yield {
            "rules": rules.version,
            "pass": msgspec.to_builtins(compact(movement, people, standing, areas)),
            "at": ms(at),
            "plate_seen": seen,
            "sources": {kind: ms(each) for kind, each in sources.items()},
            "card": verdict.card,
            "priority": verdict.priority,
            "failures": [
                {"code": f.code, "card": f.card, "person": f.person, "facts": f.facts}
                for f in verdict.failures
            ],
        }


def vectors() -> dict[str, Any]:
    rules = {str(each.version): msgspec.to_builtins(each) for each in rule_sets()}
    return json.loads(json.dumps({"rules": rules, "cases": list(cases())}))


def main() -> None:
    text = json.dumps(vectors(), ensure_ascii=False, separators=(",", ":")).encode()
    FILE.write_bytes(gzip.compress(text, mtime=0))


if __name__ == "__main__":
    main()
