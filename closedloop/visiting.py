"""Who comes to a venue, read from what was typed, answered or held to a reader."""

from datetime import datetime
from uuid import UUID

from closedloop.reporting import Office
from kernel.db import Connection
from kernel.errors import Unprocessable
from kernel.privacy import Vault
from registry.people import check_document
from registry.person_codes import owner, read
from registry.rules import RuleSet
from registry.submission import LOCAL
from registry.visitors import Document


def document_of(vault: Vault, id_type: str, number: str, name: str, now: datetime) -> Document:
    """Raises as `check_document` does."""
    checked = check_document(id_type, number, today=now.astimezone(LOCAL).date())
    subject = vault.blind(checked, field="person_id")
    return Document(subject=subject, id_type=id_type, number=checked, name=name)


async def person_of_code(conn: Connection, office: Office, digits: str, now: datetime) -> UUID:
    """Raises as `person_codes.read` and `person_codes.owner` do."""
    keys = (await office.cache.now(conn)).pass_keys
    return await owner(conn, read(digits, keys, now), now)


def alarms(answers: dict[str, bool], rules: RuleSet) -> dict[str, bool]:
    """Question → whether its answer alarms. Raises Unprocessable `answer_missing`."""
    if any(question.code not in answers for question in rules.visitors.questions):
        raise Unprocessable("answer_missing")
    return {each.code: answers[each.code] is each.alarming for each in rules.visitors.questions}
