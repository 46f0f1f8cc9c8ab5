"""A visitor who comes to a venue, and what came of it."""

import hashlib
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from kernel.errors import Refused
from registry.visit_judge import Finding, Shown
from registry.visitors import Document

#: By the visitor's own telephone, by a card reader, by a code on paper, or written by the staff.
Way = Literal["scan", "id_card", "paper", "assisted"]
Status = Literal["recorded", "repeated", "conflict", "refused"]
#: Of the guardian to a child that has no document.
RELATIONS = ("parent", "grandparent", "relative", "teacher")
NUMBERS = 10_000


class Coming(Struct, frozen=True, kw_only=True):
    """`person_id` where a device or a paper code says who it is, else `document`. With `relation`
    they are the guardian's, and `name` is the child's. `declared` and `address` are None where
    nobody asked, and what was said before stands. `digest` is of what the sender said.
    """

    id: UUID
    place_id: int
    way: Way
    at: datetime
    actor: str
    digest: bytes
    gate: str = ""
    person_id: UUID | None = None
    document: Document | None = None
    name: str = ""
    relation: str = ""
    declared: dict[str, bool] | None = None
    address: str | None = None
    uncertainty_ms: int = 0
    offline: bool = False
    own: bool = False


class Came(Struct, frozen=True, kw_only=True):
    """`masked_name` is for the venue's own screen; `person_id` for whoever goes on with it."""

    id: UUID
    status: Status
    shown: Shown | None = None
    findings: tuple[Finding, ...] = ()
    at: datetime | None = None
    masked_name: str = ""
    person_id: UUID | None = None
    refusal: Refused | None = None


def number_of(visit_id: UUID) -> str:
    """Four digits that stand on the visitor's telephone and on the venue's screen.

    Made from the id and not counted: nobody learns how many come, or what the next one will be.
    """
    digest = hashlib.sha256(visit_id.bytes).digest()
    return f"{int.from_bytes(digest[:4]) % NUMBERS:04d}"
