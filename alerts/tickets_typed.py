"""What was typed about a work item, as the use-case takes it."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from alerts.tickets import NewTicket
from alerts.tickets_words import LONGEST
from kernel.errors import Unprocessable
from registry.submission import LOCAL

#: Refusal → the field beside which it is told.
FIELDS = {
    "ticket_category_unknown": "category", "words_needed": "words", "plate_too_short": "plate",
    "phone_malformed": "phone", "phone_country": "phone", "phone_kind": "phone",
    "pass_mistyped": "pass_number", "not_a_pass": "pass_number", "pass_forged": "pass_number",
    "pass_of_other_city": "pass_number", "pass_malformed": "pass_number",
    "time_malformed": "seen_at",
}  # fmt: skip


class IntakeForm(Struct, frozen=True, kw_only=True):
    event_id: UUID
    kind: str = "complaint"
    category: str = ""
    words: str = ""
    name: str = ""
    phone: str = ""
    plate: str = ""
    seen_at: str = ""
    pass_number: str = ""
    district: str = ""


def new_ticket(data: IntakeForm, typed: dict[str, str]) -> NewTicket:
    """`yes_<question>` of the triage. Raises Unprocessable `time_malformed`."""
    yes = [n.removeprefix("yes_") for n, v in typed.items() if n.startswith("yes_") and v == "yes"]
    return NewTicket(
        id=data.event_id,
        category=data.category[:100],
        words=data.words.replace("\0", "")[:LONGEST],
        name=data.name.replace("\0", "")[:50],
        phone=data.phone.replace("\0", "")[:40],
        plate=data.plate.replace("\0", "")[:20],
        seen_at=local_moment(data.seen_at),
        pass_number=data.pass_number.replace("\0", "")[:200],
        district=data.district.replace("\0", "")[:12],
        yes=tuple(sorted(yes)),
    )


def local_moment(text: str) -> datetime | None:
    """What a datetime field sends, in Shanghai. Raises Unprocessable `time_malformed`."""
    if not text.strip():
        return None
    try:
        at = datetime.fromisoformat(text.strip())
        read = at.replace(tzinfo=LOCAL) if at.tzinfo is None else at
        return read if 2000 <= read.year < 2200 else _no_time()
    except ValueError as wrong:
        raise Unprocessable("time_malformed") from wrong


def _no_time() -> datetime:
    raise Unprocessable("time_malformed")
