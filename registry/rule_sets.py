"""Rule sets as two people put them in force: one proposes, another releases what was tried."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.model import Card
from registry.rule_faults import check_rule_set
from registry.rules import RuleSet, Text
from registry.scenario import insert


class Version(Struct, frozen=True, kw_only=True):
    """One line of the list. `ran_at` and the figures are those of its last shadow run."""

    version: int
    scenario: str
    name: Text
    in_force_from: datetime | None
    created_at: datetime
    created_by: UUID | None
    proposer: str
    releaser: str
    asked_at: datetime | None
    ran_at: datetime | None
    scans: int
    unknown: int
    changes: int
    cards: dict[str, dict[str, int]]
    changed: list[dict[str, Any]]


_VERSIONS = """
    SELECT r.version, r.scenario, r.body -> 'name' AS name, r.in_force_from, r.created_at,
           r.created_by, coalesce(p.name, '') AS proposer, coalesce(q.name, '') AS releaser,
           s.asked_at, s.ran_at, coalesce(s.scans, 0) AS scans, coalesce(s.unknown, 0) AS unknown,
           coalesce(s.changes, 0) AS changes, coalesce(s.cards, '{}') AS cards,
           coalesce(s.changed, '[]') AS changed
      FROM registry.rule_set r
      LEFT JOIN registry.account p ON p.id = r.created_by
      LEFT JOIN registry.account q ON q.id = r.released_by
      LEFT JOIN LATERAL (SELECT asked_at, ran_at, scans, unknown, changes, cards, changed
                           FROM registry.shadow_run WHERE version = r.version
                          ORDER BY asked_at DESC LIMIT 1) s ON true"""


async def versions(conn: Connection, *, most: int) -> list[Version]:
    """The newest first, without the movements that would change."""
    short = _VERSIONS.replace("coalesce(s.changed, '[]')", "'[]'::jsonb")
    rows = await conn.fetch(f"{short} ORDER BY r.version DESC LIMIT $1", most)
    return [msgspec.convert(dict(row), Version) for row in rows]


async def version_of(conn: Connection, number: int) -> tuple[Version, RuleSet]:
    """Raises NotFound `unknown_rule_set`."""
    row = await conn.fetchrow(f"{_VERSIONS} WHERE r.version = $1", number)
    if row is None:
        raise NotFound("unknown_rule_set", version=number)
    body = await conn.fetchval(
        "SELECT body::text FROM registry.rule_set WHERE version = $1", number
    )
    rules = msgspec.json.decode(body, type=RuleSet)
    return msgspec.convert(dict(row), Version), replace(rules, version=number)


def read_proposal(data: bytes) -> RuleSet:
    """A pack from a file. Raises Unprocessable `rule_set_malformed`, which names the place in the
    file, and `rule_set_faulty`.
    """
    try:
        return check_rule_set(msgspec.json.decode(data, type=RuleSet))
    except msgspec.MsgspecError as error:
        raise Unprocessable("rule_set_malformed", problem=str(error)) from error


def changed_by_form(rules: RuleSet, said: Mapping[str, str]) -> RuleSet:
    """The rule set with other cards (`card_CODE`) and other limits (`limit_NAME`).

    Raises Unprocessable `rule_set_faulty`.
    """
    cards = tuple(
        replace(rule, card=_card(said.get(f"card_{rule.code}", rule.card), rule.code))
        for rule in rules.rules
    )
    limits = {
        name: _amount(said.get(f"limit_{name}", ""), getattr(rules.limits, name), name)
        for name in rules.limits.__struct_fields__
    }
    changed = replace(rules, rules=cards, limits=replace(rules.limits, **limits), version=0)
    return check_rule_set(changed)


def _card(text: str, code: str) -> Card:
    if text not in set(Card):
        raise Unprocessable("rule_set_faulty", where=f"rules ({code}).card")
    return Card(text)


def _amount(text: str, before: float, name: str) -> float:
    text = text.strip()
    if not text:
        return before
    try:
        amount = type(before)(text)
    except ValueError:
        amount = -1
    if not 0 <= amount < 10**6:
        raise Unprocessable("rule_set_faulty", where=f"limits.{name}")
    return amount


async def propose(conn: Connection, rules: RuleSet, actor: Actor, now: datetime) -> int:
    """The version, not in force. Raises Unprocessable `rule_set_faulty`."""
    check_rule_set(rules)
    return await insert(conn, rules, now, None, actor.id)


async def ask_for_shadow(
    conn: Connection,
    number: int,
    run_id: UUID,
    *,
    since: datetime,
    until: datetime,
    actor: Actor | None,
) -> None:
    """Asked for twice under one id it is one. Raises NotFound `unknown_rule_set`."""
    await version_of(conn, number)
    await conn.execute(
        """
        INSERT INTO registry.shadow_run (id, version, since, until, asked_by, asked_at)
        VALUES ($1, $2, $3, $4, $5, $4) ON CONFLICT DO NOTHING
        """,
        run_id,
        number,
        since,
        until,
        None if actor is None else actor.id,
    )


async def release(
    conn: Connection, number: int, in_force_from: datetime, actor: Actor, now: datetime
) -> None:
    """Raises NotFound `unknown_rule_set`; Conflict `rule_set_released`, `shadow_needed`; Forbidden
    `own_proposal`; Unprocessable `in_force_past`.
    """
    await conn.execute("SELECT 1 FROM registry.rule_set WHERE version = $1 FOR UPDATE", number)
    version, _ = await version_of(conn, number)
    if version.in_force_from is not None:
        raise Conflict("rule_set_released", version=number)
    if version.created_by == actor.id:
        raise Forbidden("own_proposal")
    if version.ran_at is None:
        raise Conflict("shadow_needed", version=number)
    if in_force_from < now:
        raise Unprocessable("in_force_past")
    await conn.execute(
        """
        UPDATE registry.rule_set SET in_force_from = $2, released_by = $3, released_at = $4
         WHERE version = $1
        """,
        number,
        in_force_from,
        actor.id,
        now,
    )
