"""Visitors without a telephone, as a venue's staff enter them (seed 004, question 08)."""

import re
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from closedloop.question_forms import Typed
from closedloop.reporting import Office, actor_name
from closedloop.saying import one_line
from closedloop.visit_model import RELATIONS, Came, Coming
from closedloop.visiting import alarms, document_of, person_of_code
from closedloop.visits import take_one
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Unprocessable
from kernel.ids import uuid7
from registry.model import Place
from registry.passes import HINTS, classify
from registry.people import check_name
from registry.person_codes import may_be_person_code
from registry.rules import RuleSet

LONGEST_GATE, LONGEST_NAME = 40, 80
#: What a venue's reader may be shown by mistake: each has a sentence of its own.
OTHERS = frozenset({"pass", "place_code", "url"}) | {kind for kind, _ in HINTS}
_RESIDENT = re.compile(r"[0-9]{15}|[0-9]{17}[0-9Xx]")


async def entered(
    conn: Connection,
    office: Office,
    place: Place,
    rules: RuleSet,
    said: Typed,
    actor: Actor,
    now: datetime,
) -> Came:
    """A card or code that was read, else what was written by hand. Raises Refused."""
    empty = Coming(
        id=event_of(said.get("event_id", ""), now),
        place_id=place.id,
        gate=one_line(said.get("gate", ""), LONGEST_GATE),
        way="assisted",
        at=now,
        actor=actor_name(actor),
        digest=b"",
    )
    if "read" in said:
        return await take_one(conn, office, await _read(conn, office, empty, said, now), now)
    return await take_one(conn, office, written(office, empty, rules, said, now), now)


def event_of(text: str, now: datetime) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return uuid7(now)


async def _read(
    conn: Connection, office: Office, empty: Coming, said: Typed, now: datetime
) -> Coming:
    """Readers type: the number of an identity card, or the digits of a personal code."""
    text = "".join(said.get("read", "").split())
    if may_be_person_code(text):
        person_id = await person_of_code(conn, office, text, now)
        return replace(empty, way="paper", person_id=person_id)
    if not text:
        raise Unprocessable("reader_empty")
    if not _RESIDENT.fullmatch(text) and (kind := classify(text)) in OTHERS:
        raise Unprocessable("not_a_visitors", kind=kind)
    return replace(
        empty, way="id_card", document=document_of(office.vault, "resident", text, "", now)
    )


def written(office: Office, empty: Coming, rules: RuleSet, said: Typed, now: datetime) -> Coming:
    """By hand. With a relation the document is the guardian's: the child has none."""
    name = check_name(said.get("name", "")[:LONGEST_NAME])
    relation = said.get("relation", "")
    if relation and relation not in RELATIONS:
        raise Unprocessable("relation_unknown")
    id_type = said.get("id_type") or "resident"
    of_document = "" if relation else name
    document = document_of(office.vault, id_type, said.get("id_number", ""), of_document, now)
    answers = {each.code: said.get(f"q_{each.code}", "") for each in rules.visitors.questions}
    given = {code: text == "yes" for code, text in answers.items() if text in {"yes", "no"}}
    return replace(
        empty,
        document=document,
        name=name if relation else "",
        relation=relation,
        declared=alarms(given, rules),
    )
