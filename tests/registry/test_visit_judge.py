"""What a venue's screen says, as a pure function; only recorded evidence stops anybody."""

from datetime import timedelta

import msgspec
import pytest

from kernel.errors import Unprocessable
from registry.model import Area, Proof
from registry.rule_faults import check_rule_set
from registry.rules import read_scenario, shipped
from registry.visit_judge import Seen, judge_visit
from tests.conftest import NOON

RULES = read_scenario(shipped()[0])
FRESH = {"health_code": NOON}
STREET = Area(
    kind="risk_area", name="x", level="high", since=NOON, words=("杞县", "金城大道"),
    spared=("18号院",),
)  # fmt: skip


def shown(seen: Seen, *areas: Area, hours: int = 0) -> tuple[str, list[str]]:
    at = NOON + timedelta(hours=hours)
    mark, found = judge_visit(seen, RULES, at, sources=FRESH, areas=areas)
    return mark, [each.code for each in found]


def proof(value: str, source: str = "province") -> dict[str, Proof]:
    return {"health_code": Proof(value=value, taken_at=NOON, source=source)}


def test_the_gravest_counts_and_stands_first():
    seen = Seen(declared={"suspected_contact": True}, evidence=proof("red"))
    assert shown(seen) == ("stop", ["visitor_red", "visitor_contact"])
    assert shown(Seen()) == ("clear", [])
    assert shown(Seen(), hours=25) == ("ask", ["visitor_list_stale"])


def test_nobody_is_stopped_by_what_nobody_recorded():
    assert shown(Seen(evidence=proof("red", source=" ")))[0] == "ask"


@pytest.mark.parametrize(
    ("address", "mark"),
    [
        ("开封市杞县 金城大道20号", "ask"),
        ("开封市杞县金城大道18号院3号楼", "clear"),
        ("开封市杞县", "clear"),
        ("", "clear"),
    ],
)
def test_an_area_holds_from_its_hour_and_down_to_a_courtyard(address: str, mark: str):
    assert shown(Seen(address=address), STREET)[0] == mark
    assert shown(Seen(address=address), STREET, hours=-1)[0] == "clear"


def test_rules_that_are_a_lanes_are_no_visitors_rules():
    wrong = msgspec.json.decode(
        msgspec.json.encode(RULES).replace(b'"check":"in_area"', b'"check":"plate_differs"'),
        type=type(RULES),
    )
    with pytest.raises(Unprocessable) as refused:
        check_rule_set(wrong)
    assert "visitors.rules" in str(refused.value.facts["where"])
    for each in shipped():
        check_rule_set(read_scenario(each))
