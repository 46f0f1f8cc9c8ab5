"""Rule sets: proposed by an administrator, tried in shadow, released by the security officer."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, MultipartBody, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from kernel.auth import requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Malformed, Refused
from kernel.i18n import LOCAL_ZONE, current_locale, t
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.accounts import known_actor
from registry.model import Role
from registry.office_views import framed
from registry.rule_faults import CARDS
from registry.rule_sets import (
    Version,
    ask_for_shadow,
    changed_by_form,
    propose,
    read_proposal,
    release,
    version_of,
    versions,
)
from registry.rules import RuleSet
from registry.wording import error

AnyRequest = Request[Any, Any, Any]
READERS = (Role.ADMIN, Role.SECURITY, Role.AUDITOR, Role.DUTY)
MOST_SHOWN = 50
LARGEST_FILE = 1024 * 1024
DAYS = (1, 3, 7, 14)
DONE = frozenset({"proposed", "asked", "released"})
HOUR_FIELD = "%Y-%m-%dT%H:%M"


class ProposalForm(Struct, kw_only=True):
    file: UploadFile | None = None


class ShadowForm(Struct, frozen=True, kw_only=True):
    run_id: UUID
    days: int = 7


class ReleaseForm(Struct, frozen=True, kw_only=True):
    in_force_from: str = ""


@get("/rules", guards=[requires(*READERS)])
async def rules_page(
    request: AnyRequest, tx: NamedDependency[Connection], clock: NamedDependency[Clock]
) -> Page:
    """Every version, which one rules, and which wait."""
    return await _list(request, tx, clock.now())


async def _list(
    request: AnyRequest, conn: Connection, now: datetime, *, told: dict[str, str] | None = None
) -> Page:
    actor = known_actor(request)
    found = await versions(conn, most=MOST_SHOWN)
    begun = [each for each in found if each.in_force_from and each.in_force_from <= now]
    ruling = max(begun, key=lambda each: (each.in_force_from, each.version), default=None)
    return page(
        "rules.html",
        http_status=422 if told else 200,
        versions=found,
        ruling=ruling.version if ruling else 0,
        may_propose=Role.ADMIN in actor.roles,
        errors=[told] if told else [],
        **framed(actor, "/rules"),
    )


@post(
    "/rules",
    guards=[requires(Role.ADMIN)],
    status_code=200,
    request_max_body_size=LARGEST_FILE,
)
async def propose_file(
    request: AnyRequest,
    data: MultipartBody[ProposalForm],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """A pack from a file becomes a version that is not in force."""
    now = clock.now()
    try:
        content = await data.file.read() if data.file else b""
        if not content.strip():
            raise Malformed("file_needed")
        number = await propose(tx, read_proposal(content), known_actor(request), now)
    except Refused as refused:
        return await _list(request, tx, now, told=error("file", refused))
    return Redirect(f"/rules/{number}?done=proposed", status_code=303)


@get("/rules/{number:int}", guards=[requires(*READERS)])
async def rule_set_page(
    request: AnyRequest,
    number: FromPath[int],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page:
    """One version: its rules and limits, what it would have changed, and who may do what next."""
    notice = t(f"ui.rules.done.{done}") if done in DONE else None
    return await _show(request, tx, number, clock.now(), notice=notice)


async def _show(
    request: AnyRequest,
    conn: Connection,
    number: int,
    now: datetime,
    *,
    notice: str | None = None,
    told: dict[str, str] | None = None,
    said: dict[str, str] | None = None,
) -> Page:
    actor = known_actor(request)
    version, rules = await version_of(conn, number)
    soon = (now + timedelta(hours=1)).astimezone(LOCAL_ZONE).replace(minute=0)
    return page(
        "rule_set.html",
        http_status=422 if told else 200,
        version=version,
        rules=_rules(rules, said or {}),
        limits=_limits(rules, said or {}),
        priority=_priority(rules),
        cards=[card.value for card in sorted(CARDS)],
        shadow=_shadow(version),
        days=DAYS,
        run_id=str(uuid7(now)),
        soon=soon.strftime(HOUR_FIELD),
        may_propose=Role.ADMIN in actor.roles,
        may_release=Role.SECURITY in actor.roles and version.in_force_from is None,
        own=version.created_by == actor.id,
        notice=notice,
        errors=[told] if told else [],
        values=said or {},
        **framed(actor, f"/rules/{number}"),
    )


def _rules(rules: RuleSet, said: dict[str, str]) -> list[dict[str, str]]:
    locale = current_locale()
    return [
        {
            "code": rule.code,
            "sentence": getattr(rule.sentence, locale),
            "card": said.get(f"card_{rule.code}", rule.card.value),
        }
        for rule in rules.rules
    ]


def _priority(rules: RuleSet) -> dict[str, Any] | None:
    """Who goes free and first, in words."""
    first, locale = rules.priority, current_locale()
    if first is None:
        return None
    goods = {each.code: getattr(each.label, locale) for each in rules.goods}
    kinds = {kind.kind: kind for kind in rules.evidence}
    return {
        "sentence": getattr(first.sentence, locale),
        "goods": [goods[code] for code in first.goods],
        "proofs": [
            {
                "label": getattr(kinds[each.evidence].label, locale),
                "values": [getattr(kinds[each.evidence].said(v), locale) for v in each.values],
            }
            for each in first.proofs
        ],
    }


def _limits(rules: RuleSet, said: dict[str, str]) -> list[dict[str, str]]:
    limits = rules.limits
    return [
        {"name": name, "value": said.get(f"limit_{name}", str(getattr(limits, name)))}
        for name in limits.__struct_fields__
    ]


def _shadow(version: Version) -> dict[str, Any] | None:
    if version.asked_at is None:
        return None
    return {
        "ran_at": version.ran_at,
        "scans": version.scans,
        "unknown": version.unknown,
        "changes": version.changes,
        "rows": [
            {"before": before, "after": after, "scans": scans}
            for before, afters in version.cards.items()
            for after, scans in afters.items()
        ],
        "changed": version.changed,
    }


@post("/rules/{number:int}", guards=[requires(Role.ADMIN)], status_code=200)
async def propose_change(
    request: AnyRequest,
    number: FromPath[int],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Other cards and limits make a new version; this one stays as it is."""
    form, now = await request.form(), clock.now()
    said = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    try:
        _, rules = await version_of(tx, number)
        made = await propose(tx, changed_by_form(rules, said), known_actor(request), now)
    except Refused as refused:
        return await _show(request, tx, number, now, told=error("", refused), said=said)
    return Redirect(f"/rules/{made}?done=proposed", status_code=303)


@post("/rules/{number:int}/shadow", guards=[requires(Role.ADMIN, Role.SECURITY)])
async def ask_shadow(
    request: AnyRequest,
    number: FromPath[int],
    data: URLEncodedBody[ShadowForm],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Redirect:
    """Over the scans of the past days; a run takes a while and is shown on the page."""
    now = clock.now()
    days = data.days if data.days in DAYS else max(DAYS)
    actor = known_actor(request)
    since = now - timedelta(days=days)
    await ask_for_shadow(tx, number, data.run_id, since=since, until=now, actor=actor)
    return Redirect(f"/rules/{number}?done=asked", status_code=303)


@post("/rules/{number:int}/release", guards=[requires(Role.SECURITY)], status_code=200)
async def release_rule_set(
    request: AnyRequest,
    number: FromPath[int],
    data: URLEncodedBody[ReleaseForm],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """In force from an hour on; never by whoever proposed it, never untried."""
    now = clock.now()
    try:
        at = _hour(data.in_force_from)
        await release(tx, number, at, known_actor(request), now)
    except Refused as refused:
        said = {"in_force_from": data.in_force_from}
        return await _show(request, tx, number, now, told=error("", refused), said=said)
    return Redirect(f"/rules/{number}?done=released", status_code=303)


def _hour(text: str) -> datetime:
    """Local, as the form sends it. Raises Malformed `in_force_malformed`."""
    try:
        return datetime.strptime(text.strip(), HOUR_FIELD).replace(tzinfo=LOCAL_ZONE)
    except ValueError as error_:
        raise Malformed("in_force_malformed") from error_


HANDLERS: list[Any] = [
    rules_page,
    propose_file,
    rule_set_page,
    propose_change,
    ask_shadow,
    release_rule_set,
]
