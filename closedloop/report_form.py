"""The driver's form: what it offers, what was typed into it, what is to be mended."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from closedloop.saying import storable
from kernel.i18n import current_locale, t
from registry.model import Failure, PlaceKind
from registry.people import ID_TYPES
from registry.rules import RuleSet
from registry.submission import LOCAL, Companion, Submission
from registry.world import World

MOST_STOPS = 3
MOST_CREW = 3
CREW_PARTS = ("name", "id_type", "id_number", "phone")
TIME = "%Y-%m-%dT%H:%M"
#: What was typed, under the names of the form's fields.
Typed = dict[str, str]


class Choice(Struct, frozen=True, kw_only=True):
    value: str
    label: str


def offered(world: World, rules: RuleSet) -> dict[str, Any]:
    """The options of the form, in the reader's language."""
    locale = current_locale()
    return {
        "checkpoints": _places(world, PlaceKind.CHECKPOINT),
        "destinations": _places(world, PlaceKind.DESTINATION),
        "id_types": [{"value": kind, "label": t(f"ui.id_type.{kind}")} for kind in ID_TYPES],
        "goods_classes": [
            {"value": goods.code, "label": getattr(goods.label, locale)} for goods in rules.goods
        ],
        "questions": [
            {"code": question.code, "sentence": getattr(question.sentence, locale)}
            for question in rules.questions
        ],
    }


def _places(world: World, kind: PlaceKind) -> list[dict[str, Any]]:
    found = [place for place in world.places.values() if place.kind is kind and place.active]
    return [
        {"value": place.id, "label": place.name}
        for place in sorted(found, key=lambda place: (place.district_code, place.name))
    ]


def moved_up(typed: Mapping[str, str]) -> dict[str, str]:
    """Gaps between stops or people are closed, so that what is wrong is told beside its field."""
    moved = dict(typed)
    _close_gaps(moved, [(f"stop_{n}",) for n in range(1, MOST_STOPS + 1)])
    _close_gaps(
        moved,
        [tuple(f"crew_{n}_{part}" for part in CREW_PARTS) for n in range(1, MOST_CREW + 1)],
    )
    return moved


def _close_gaps(typed: dict[str, str], groups: list[tuple[str, ...]]) -> None:
    said = [tuple(typed.pop(name, "") for name in names) for names in groups]
    # The kind of document alone, which a select always sends, is nobody.
    telling = [not name.endswith("_id_type") for name in groups[0]]
    kept = [
        v
        for v in said
        if any(each.strip() for each, tells in zip(v, telling, strict=True) if tells)
    ]
    for names, values in zip(groups, kept, strict=False):
        typed |= dict(zip(names, values, strict=True))


def read_form(typed: Mapping[str, str], rules: RuleSet) -> Submission:
    """What cannot be read is left out, and is then found missing."""
    stops = (_number(typed.get(f"stop_{n}", "")) for n in range(1, MOST_STOPS + 1))
    said = Submission(
        name=typed.get("name", ""),
        id_type=typed.get("id_type") or "resident",
        id_number=typed.get("id_number", ""),
        phone=typed.get("phone", ""),
        plate=typed.get("plate", ""),
        trailer_plate=typed.get("trailer_plate", ""),
        origin=typed.get("origin", ""),
        entry_place_id=_number(typed.get("entry_place_id", "")),
        expected_entry_at=hour_typed(typed.get("expected_entry_at", "")),
        expected_exit_at=hour_typed(typed.get("expected_exit_at", "")),
        declared=_answers(typed, rules),
        stops=tuple(stop for stop in stops if stop is not None),
        crew=tuple(_crew(typed)),
        goods=typed.get("goods", ""),
    )
    return storable(said)


def _answers(typed: Mapping[str, str], rules: RuleSet) -> dict[str, bool]:
    said = {question.code: typed.get(f"q_{question.code}") for question in rules.questions}
    return {code: answer == "yes" for code, answer in said.items() if answer in {"yes", "no"}}


def _crew(typed: Mapping[str, str]) -> list[Companion]:
    said = [
        Companion(
            name=typed.get(f"crew_{n}_name", ""),
            id_type=typed.get(f"crew_{n}_id_type") or "resident",
            id_number=typed.get(f"crew_{n}_id_number", ""),
            phone=typed.get(f"crew_{n}_phone", ""),
        )
        for n in range(1, MOST_CREW + 1)
    ]
    return [each for each in said if each.name or each.id_number or each.phone]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def hour_typed(text: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip(), TIME).replace(tzinfo=LOCAL)
    except ValueError:
        return None


def typed_from(said: Submission) -> dict[str, str]:
    """The form filled with what was reported."""
    typed = {
        name: str(getattr(said, name) or "")
        for name in ("name", "id_type", "id_number", "phone", "plate", "trailer_plate", "goods")
    }
    typed |= {"origin": said.origin, "entry_place_id": str(said.entry_place_id or "")}
    for name in ("expected_entry_at", "expected_exit_at"):
        at: datetime | None = getattr(said, name)
        typed[name] = "" if at is None else at.astimezone(LOCAL).strftime(TIME)
    typed |= {f"stop_{n}": str(place_id) for n, place_id in enumerate(said.stops, start=1)}
    for n, companion in enumerate(said.crew, start=1):
        typed[f"crew_{n}_name"] = companion.name
        typed[f"crew_{n}_id_type"] = companion.id_type
        typed[f"crew_{n}_id_number"] = companion.id_number
        typed[f"crew_{n}_phone"] = companion.phone
    return typed | {f"q_{code}": "yes" if yes else "no" for code, yes in said.declared.items()}


def with_the_rest(said: Submission, before: Submission) -> Submission:
    """A correction keeps what the form has no room for: more stops and people than it has
    fields, and what is known of the people besides these.
    """
    known = {each.id_number: each for each in before.crew}
    crew = (
        replace(each, id_type=same.id_type, declared=same.declared)
        if (same := known.get(each.id_number))
        else each
        for each in said.crew
    )
    return replace(
        said,
        stops=(*said.stops, *before.stops[MOST_STOPS:]),
        crew=(*crew, *before.crew[MOST_CREW:]),
    )


def differences(before: Submission, said: Submission) -> dict[str, Any]:
    """The fields that a correction changes."""
    return {
        name: getattr(said, name)
        for name in said.__struct_fields__
        if getattr(said, name) != getattr(before, name)
    }


def form_errors(failures: tuple[Failure, ...]) -> list[dict[str, str]]:
    return [
        {"field": failure.field or "", "message": t(f"error.{failure.code}", **failure.facts)}
        for failure in failures
        if failure.blocks
    ]
