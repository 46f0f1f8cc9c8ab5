"""The driver's questions, one thing a page, and which of them comes next. Pure.

What was typed is kept as it was typed, under the names of the form's fields; `report_form` reads
it and the check of the record says what is wrong with it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from closedloop import question_times
from closedloop.report_form import CREW_PARTS, MOST_CREW, MOST_STOPS, TIME, Choice, Typed
from kernel.i18n import current_locale, local_time, t
from registry.model import Failure, PlaceKind
from registry.rules import RuleSet
from registry.submission import LOCAL
from registry.world import World

#: In the order in which they are asked; what a page may write, and nothing else.
ASKED = ("phone", "person", "plate", "way", "times", "declare")
FIELDS: dict[str, tuple[str, ...]] = {
    "phone": ("phone",),
    "person": ("name", "id_type", "id_number"),
    "plate": ("plate", "trailer_plate"),
    "way": ("origin", "entry_place_id", "stop_1"),
    "times": question_times.FIELDS,
    "declare": (),
    "goods": ("goods",),
    **{f"stop_{n}": (f"stop_{n}",) for n in range(2, MOST_STOPS + 1)},
    **{
        f"crew_{n}": tuple(f"crew_{n}_{part}" for part in CREW_PARTS)
        for n in range(1, MOST_CREW + 1)
    },
}
#: Failures of the record's fields are told beside the fields of the page.
SHOWN_AT = {"expected_entry_at": "entry_at", "expected_exit_at": "stay"}
#: Left empty by somebody who may not see them, they stay as they are.
PRIVATE = frozenset({"id_number", "phone", *(f"crew_{n}_id_number" for n in range(1, 4))})
#: More places than these are searched for and not listed: a page must stay light.
LISTED = 40
FOUND = 12


def fields_of(name: str, rules: RuleSet) -> tuple[str, ...]:
    if name == "declare":
        return tuple(f"q_{question.code}" for question in rules.questions)
    return FIELDS[name]


def answered(
    name: str, typed: Typed, said: Mapping[str, str], rules: RuleSet, *, masked: bool
) -> Typed:
    """What is typed once a page was sent. A private field that its reader was not shown and
    left empty is kept.
    """
    told = {field: said.get(field, "") for field in fields_of(name, rules)}
    if masked:
        told = {f: v for f, v in told.items() if v.strip() or f not in PRIVATE or not typed.get(f)}
    merged = typed | told
    return question_times.moments(merged) if name == "times" else merged


def errors_of(name: str, failures: Iterable[Failure], rules: RuleSet) -> list[dict[str, str]]:
    """What is wrong on one page, in the reader's words."""
    fields = {*fields_of(name, rules), *(SHOWN_AT if name == "times" else ())}
    return [
        {
            "field": SHOWN_AT.get(failure.field, failure.field),
            "message": t(f"error.{failure.code}", **failure.facts),
        }
        for failure in failures
        if failure.blocks and failure.field in fields
    ]


def next_page(failures: Iterable[Failure], rules: RuleSet) -> str:
    """The first page that lacks something, else the one on which all is checked."""
    wanting = {failure.field for failure in failures if failure.blocks}
    for name in ASKED:
        fields = {*fields_of(name, rules), *(SHOWN_AT if name == "times" else ())}
        if wanting & fields:
            return name
    extra = next((page for page, fields in FIELDS.items() if wanting & {*fields}), None)
    return extra or "check"


def page_before(name: str, *, complete: bool) -> str | None:
    if complete or name not in ASKED:
        return "check"
    at = ASKED.index(name)
    return ASKED[at - 1] if at else None


def places(world: World, kind: PlaceKind, chosen: str, looked_for: str) -> dict[str, Any]:
    """`listed` where there are few; else those found, the chosen one among them."""
    known = sorted(
        (place for place in world.places.values() if place.kind is kind and place.active),
        key=lambda place: (place.district_code, place.name),
    )
    if len(known) <= LISTED:
        return {"listed": True, "options": [_choice(place) for place in known], "more": False}
    words = looked_for.casefold().split()
    found = [
        place
        for place in known
        if str(place.id) == chosen
        or (words and all(word in place.name.casefold() for word in words))
    ]
    return {
        "listed": False,
        "options": [_choice(place) for place in found[:FOUND]],
        "more": len(found) > FOUND,
        "searched": bool(words),
    }


def _choice(place: Any) -> Choice:  # noqa: ANN401 - a Place
    return Choice(value=str(place.id), label=place.name)


def summary(typed: Typed, world: World, rules: RuleSet) -> list[dict[str, str]]:
    """What is to be checked: for each line its page, its name and its value."""
    lines = [
        ("phone", t("ui.report.phone"), typed.get("phone", "")),
        ("person", t("ui.report.name"), typed.get("name", "")),
        ("person", t("ui.report.id_number"), typed.get("id_number", "")),
        ("plate", t("ui.report.plate"), typed.get("plate", "").upper()),
        ("plate", t("ui.report.trailer_plate"), typed.get("trailer_plate", "").upper()),
        ("goods", t("ui.report.goods"), _goods(typed, rules)),
        ("way", t("ui.report.origin"), typed.get("origin", "")),
        ("way", t("ui.report.entry"), _place(typed.get("entry_place_id", ""), world)),
    ]
    for n in range(1, MOST_STOPS + 1):
        name = t("ui.report.stop") if n == 1 else t("ui.report.stop.n", n=n)
        place = _place(typed.get(f"stop_{n}", ""), world)
        lines.append(("way" if n == 1 else f"stop_{n}", name, place))
    lines += [
        ("times", t("ui.report.entry_at"), _time(typed.get("expected_entry_at", ""))),
        ("times", t("ui.report.exit_at"), _time(typed.get("expected_exit_at", ""))),
    ]
    lines += [
        (f"crew_{n}", t("ui.report.crew.n", n=n), typed.get(f"crew_{n}_name", ""))
        for n in range(1, MOST_CREW + 1)
    ]
    lines += [
        ("declare", getattr(question.sentence, current_locale()), _yes_no(typed, question.code))
        for question in rules.questions
    ]
    return [{"page": page, "name": name, "value": value} for page, name, value in lines if value]


def _goods(typed: Typed, rules: RuleSet) -> str:
    known = (goods for goods in rules.goods if goods.code == typed.get("goods"))
    return next((getattr(goods.label, current_locale()) for goods in known), "")


def _place(number: str, world: World) -> str:
    place = world.places.get(int(number)) if number.isdecimal() and len(number) < 19 else None
    return place.name if place else ""


def _time(typed: str) -> str:
    try:
        return local_time(datetime.strptime(typed, TIME).replace(tzinfo=LOCAL))
    except ValueError:
        return ""


def _yes_no(typed: Typed, code: str) -> str:
    said = typed.get(f"q_{code}")
    return t(f"ui.report.{said}") if said in {"yes", "no"} else ""


def free_place(typed: Typed, kind: str, most: int) -> str | None:
    """The page of the first stop or companion that is not taken yet."""
    names = {"stop": "stop_{n}", "crew": "crew_{n}_name"}[kind]
    first = 2 if kind == "stop" else 1
    free = (n for n in range(first, most + 1) if not typed.get(names.format(n=n), "").strip())
    number = next(free, None)
    return None if number is None else f"{kind}_{number}"


def declared_yes(typed: Typed, rules: RuleSet) -> bool:
    return any(typed.get(f"q_{question.code}") == "yes" for question in rules.questions)
