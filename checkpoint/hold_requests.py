"""What is sent about holds; each with the id that its sender made."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from closedloop.acts import Number, Text


class NewHold(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`person` is whom in the cab it names, by ordinal; the driver is 0."""

    id: UUID
    movement_id: Number
    source: Text
    reason: Text
    person: Number | None = None
    occurred_at: datetime | None = None


class Approval(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: UUID
    note: Text = ""


class Release(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: UUID
    reason: Text
    proof: Text = ""


class Transfer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`place_id` of a receiving body."""

    id: UUID
    place_id: Number


class Acknowledgement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`reference`: the number under which the receiving body keeps it."""

    id: UUID
    reference: Text


class Appeal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: UUID
    grounds: Text
    note: Annotated[str, Meta(max_length=500)] = ""


class Dismissal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: UUID
    reason: Text
    note: Text = ""
