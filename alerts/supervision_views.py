"""What the pages of supervision have in common: who may, their frame, and words for their codes."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from litestar import Request

from alerts.supervision_flags import Flag
from alerts.supervision_problem_list import Problem
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import current_locale, other_locale, t
from kernel.ids import uuid7
from kernel.web import url_with
from registry.accounts import home_of
from registry.bilingual import Text
from registry.model import Role
from registry.scope import covers, own_district
from registry.stepladders import OverStep, Stepladder, Supervision
from registry.wording import error, navigation
from registry.world import WorldCache

AnyRequest = Request[Any, Any, Any]
WRITERS = (Role.REGISTRAR, Role.INSPECTOR, Role.DUTY, Role.POLICE, Role.GRID)
READERS = (*WRITERS, Role.AUDITOR)
#: Ways inside, and who is shown them.
TABS = (
    ("/supervision", "ui.supervision.tab.figures", READERS),
    ("/supervision/rounds", "ui.supervision.tab.rounds", READERS),
    ("/supervision/cases", "ui.supervision.tab.cases", READERS),
    ("/supervision/problems", "ui.supervision.tab.problems", READERS),
    ("/supervision/proposals", "ui.supervision.tab.proposals", READERS),
    ("/supervision/joint", "ui.supervision.tab.joint", READERS),
    ("/supervision/report", "ui.supervision.tab.report", READERS),
    ("/supervision/import", "ui.supervision.tab.import", (Role.REGISTRAR,)),
)
DONE = frozenset({"act", "case", "step", "problem", "joint", "round", "visit", "answer", "report"})


def frame(
    actor: Actor, path: str, tab: str, *, done: str = "", refused: Refused | None = None
) -> dict[str, Any]:
    """`path` can be read, where the form that was refused stood under an address that cannot."""
    other = other_locale(current_locale())
    return {
        "http_status": 422 if refused else 200,
        "nav": navigation(actor),
        "home_url": home_of(actor),
        "path": "/supervision",
        "here": path,
        "other_locale_url": url_with(path, lang=other),
        "tab": tab,
        "tabs": [{"url": url, "key": key} for url, key, roles in TABS if actor.roles & set(roles)],
        "may_write": bool(actor.roles & set(WRITERS)),
        "notice": t(f"ui.supervision.done.{done}") if done in DONE else None,
        "errors": [error(_field(refused), refused)] if refused else [],
    }


def _field(refused: Refused) -> str:
    fields = {"reason_needed": "reason", "evidence_needed": "evidence", "round_unnamed": "name"}
    return fields.get(refused.code, "")


async def rules_now(conn: Connection, cache: WorldCache, now: datetime) -> Supervision:
    """Nothing is supervised by a service that is being set up."""
    world = await cache.now(conn)
    return world.rules_at(now).supervision if world.rule_sets else Supervision()


def chosen(actor: Actor, district: str) -> str | None:
    """The district that was asked for where it is the actor's to see, else the actor's own."""
    own = own_district(actor)
    return district if district and covers(own, district) else own


def said(text: Text) -> str:
    return getattr(text, current_locale())


def ladder_word(supervision: Supervision, code: str) -> str:
    ladder = supervision.ladder(code)
    return code if ladder is None else said(ladder.label)


def step_word(ladder: Stepladder | None, code: str) -> str:
    step = ladder.step(code) if ladder else None
    return code if step is None else said(step.label)


def finding_word(supervision: Supervision, code: str) -> str:
    finding = supervision.finding(code)
    return code if finding is None else said(finding.label)


def party_words(supervision: Supervision, codes: Iterable[str]) -> str:
    known = {party.code: said(party.label) for party in supervision.parties}
    return " · ".join(known.get(code, code) for code in codes)


def options(named: Iterable[Any]) -> list[dict[str, str]]:
    """Of anything with a code and a label."""
    return [{"value": each.code, "label": said(each.label)} for each in named]


def step_form(step: OverStep, now: datetime) -> dict[str, Any]:
    return {
        "code": step.code,
        "label": said(step.label),
        "needs": [need.value for need in step.needs],
        "grounds": options(step.grounds),
        "days": step.days or 3,
        "event_id": str(uuid7(now)),
    }


def problem_shown(supervision: Supervision, each: Problem) -> dict[str, Any]:
    return {
        "id": each.id,
        "url": f"/supervision/problems/{each.id}",
        "place_url": f"/supervision/places/{each.due_id}",
        "name": each.name,
        "finding": finding_word(supervision, each.finding),
        "street": each.street,
        "trade": each.trade,
        "state": each.state,
        "late": each.late,
        "deadline": each.deadline,
        "opened_at": each.opened_at,
        "closed_at": each.closed_at,
        "times_reopened": each.times_reopened,
        "source": each.source,
    }


def flag_shown(flag: Flag) -> dict[str, Any]:
    where = "problems" if flag.problem else "cases"
    return {
        "word": t(f"ui.supervision.flag.{flag.kind}", n=flag.days),
        "kind": flag.kind,
        "name": flag.name,
        "street": flag.street,
        "trade": flag.trade,
        "since": flag.since.isoformat(),
        "days": flag.days,
        "url": f"/supervision/{where}/{flag.subject}",
    }


async def form_of(request: AnyRequest) -> dict[str, list[str]]:
    """Each field with all its values: boxes of one name may be ticked together."""
    form = await request.form()
    found: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value.replace("\0", ""))
    return found


def one(form: Mapping[str, list[str]], name: str) -> str:
    return form.get(name, [""])[0].strip()


def sender_id(form: Mapping[str, list[str]], now: datetime, name: str = "event_id") -> UUID:
    """The id that the page gave the form; a form without one is new."""
    try:
        return UUID(one(form, name))
    except ValueError:
        return uuid7(now)


def number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def moment_of(text: str) -> datetime | None:
    """As a telephone says it; None for anything without a zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
