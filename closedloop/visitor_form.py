"""The first form of a visitor: checked, or everything that is wrong with it. Pure."""

from datetime import datetime

from msgspec import Struct

from closedloop.question_forms import Typed
from closedloop.reporting import Office
from closedloop.visiting import alarms, document_of
from kernel.errors import Refused
from registry.particulars import check_address
from registry.people import check_name
from registry.rules import RuleSet
from registry.visitors import Document
from registry.wording import error

ANSWERS = frozenset({"yes", "no"})


class First(Struct, frozen=True, kw_only=True):
    """What the first form holds, checked."""

    document: Document
    address: str
    declared: dict[str, bool]


def read_first(
    office: Office, said: Typed, rules: RuleSet, now: datetime
) -> tuple[First | None, list[dict[str, str]]]:
    """Checked, or everything that is wrong, beside its field."""
    errors: list[dict[str, str]] = []
    document, address, declared = None, "", {}
    try:
        name = check_name(said.get("name", ""))
    except Refused as refused:
        name = ""
        errors.append(error("name", refused))
    try:
        kind = said.get("id_type") or "resident"
        document = document_of(office.vault, kind, said.get("id_number", ""), name, now)
    except Refused as refused:
        errors.append(error("id_number", refused))
    try:
        address = check_address(said.get("address", ""))
    except Refused as refused:
        errors.append(error("address", refused))
    try:
        declared = answers_of(said, rules)
    except Refused as refused:
        errors.append(told_beside(refused, rules, said))
    if errors or document is None:
        return None, errors
    return First(document=document, address=address, declared=declared), []


def answers_of(said: Typed, rules: RuleSet) -> dict[str, bool]:
    given = {each.code: said.get(f"q_{each.code}", "") for each in rules.visitors.questions}
    return alarms({code: text == "yes" for code, text in given.items() if text in ANSWERS}, rules)


def told_beside(refused: Refused, rules: RuleSet, said: Typed | None = None) -> dict[str, str]:
    """A missing answer is told beside its question."""
    if refused.code != "answer_missing":
        return error("", refused)
    codes = [each.code for each in rules.visitors.questions]
    missing = next((c for c in codes if (said or {}).get(f"q_{c}") not in ANSWERS), "")
    return error(f"q_{missing}" if missing else "", refused)
