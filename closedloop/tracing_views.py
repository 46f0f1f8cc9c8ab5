"""Tracing in the reader's words: sightings, contacts, cases and their clock."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from closedloop.tracing_clock import Mark
from closedloop.tracing_exports import Export
from closedloop.tracing_model import Case, CaseState, Contact, How, Sighting, Subject
from closedloop.tracing_reading import Traced
from closedloop.tracing_report import Report
from closedloop.tracing_team_queries import Member, Task, Team
from closedloop.watching import name_of
from kernel.auth import Actor
from kernel.i18n import current_locale, t
from registry.plates import kind_shown
from registry.rules import RuleSet, Text
from registry.tracing_rules import Tracing
from registry.world import World

#: Of classes in their order; colour is never used for them.
SHAPES = ("■", "◆", "△", "○")
#: Less uncertainty is not worth a word.
WORTH_TELLING_MS = 1_000


def spoken(text: Text) -> str:
    return text.en if current_locale() == "en" else text.zh


def case_line(case: Case) -> dict[str, Any]:
    return {
        "id": case.id,
        "number": case.number,
        "reason": case.reason,
        "state": case.state,
        "since": case.since,
        "until": case.until,
        "days": round(case.days, 1),
        "subjects": case.subjects,
        "people_shown": case.people_shown,
        "opener": case.opener,
        "opened_at": case.opened_at,
        "decider": case.decider,
        "decided_at": case.decided_at,
        "approved": case.approved,
        "needs_second": case.needs_second,
        "closed_at": case.closed_at,
    }


def marks_shown(marks: Iterable[Mark]) -> list[dict[str, Any]]:
    return [
        {
            "code": each.code,
            "label": spoken(each.label),
            "due_at": each.due_at,
            "standing": each.standing,
            "said": t(f"trace.mark.{each.standing}", **_hours(each.minutes)),
            "done_at": each.done_at,
            "name": each.name,
        }
        for each in marks
    ]


def _hours(minutes: int) -> dict[str, str]:
    """Minutes up to two hours, hours from then on."""
    key = "trace.minutes" if minutes < 120 else "trace.hours"
    return {"long": t(key, n=minutes if minutes < 120 else round(minutes / 60, 1))}


def subject_shown(subject: Subject, world: World, *, named: bool) -> dict[str, Any]:
    """`named`: with the masked name or the plate, for whoever may see them."""
    return {
        "number": subject.number,
        "kind": subject.kind,
        "masked_name": subject.masked_name if named else "",
        "erased": named and subject.kind == "person" and not subject.masked_name,
        "plate": subject.plate if named else "",
        "plate_kind": kind_shown(subject.plate),
        "place": name_of(world, subject.place_id),
    }


def traced_shown(traced: Traced, world: World) -> list[dict[str, Any]]:
    return [_sighting(each, traced, world) for each in traced.sightings]


def _sighting(each: Sighting, traced: Traced, world: World) -> dict[str, Any]:
    return {
        "at": each.since,
        "until": each.until if each.how is How.ASKED else None,
        "place": name_of(world, each.place_id) or str(each.place_id),
        "gate": each.gate,
        "how": t(f"trace.how.{each.how}"),
        "counted": each.counted,
        "sure": each.sure,
        "offline": each.offline,
        "doubt": doubt_said(each.doubt_ms),
        "plate": each.plate,
        "plate_kind": kind_shown(each.plate),
        "movement_id": each.movement_id,
        "risky": traced.risky.get(each.place_id, 0),
    }


def doubt_said(doubt_ms: int) -> str:
    """Empty where it is not worth a word."""
    if doubt_ms < WORTH_TELLING_MS:
        return ""
    seconds = -(-doubt_ms // 1000)
    if seconds < 120:
        return t("trace.doubt.seconds", n=seconds)
    return t("trace.doubt.minutes", n=-(-seconds // 60))


def classes_shown(tracing: Tracing, contacts: Iterable[Contact]) -> list[dict[str, Any]]:
    """Every class with the number of its contacts, also where it is none."""
    told = [each.code for each in contacts]
    return [
        {"label": spoken(each.label), "shape": SHAPES[min(rank, 3)], "n": told.count(each.code)}
        for rank, each in enumerate(tracing.classes)
    ]


def contact_shown(contact: Contact, rules: RuleSet, world: World) -> dict[str, Any]:
    meeting, tracing = contact.meeting, rules.tracing
    rank = [each.code for each in tracing.classes].index(contact.code)
    rule = next(each for each in tracing.rules if each.code == contact.rule)
    return {
        "masked_name": meeting.masked_name,
        "erased": meeting.person_id is not None and not meeting.masked_name,
        "person_id": meeting.person_id,
        "plate": meeting.plate,
        "plate_kind": kind_shown(meeting.plate),
        "movement_id": meeting.movement_id,
        "ordinal": meeting.ordinal,
        "label": spoken(tracing.classes[rank].label),
        "shape": SHAPES[min(rank, 3)],
        "certain": contact.certain,
        "certainty": t("trace.certain" if contact.certain else "trace.possible"),
        "rule": spoken(rule.sentence),
        "place": name_of(world, meeting.place_id) or str(meeting.place_id),
        "gate": meeting.gate,
        "at": meeting.near_at,
        "doubt": doubt_said(meeting.doubt_ms),
        "times": meeting.times,
    }


def team_shown(team: Team, tracing: Tracing) -> dict[str, Any]:
    return {
        "id": team.id,
        "name": team.name,
        "open_tasks": team.open_tasks,
        "members": [{"part": part_said(each, tracing), "name": each.name} for each in team.members],
    }


def part_said(member: Member, tracing: Tracing) -> str:
    found = next((part for part in tracing.team if part.code == member.part), None)
    return member.part if found is None else spoken(found.label)


def task_shown(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "what": task.what,
        "team": task.team,
        "team_id": task.team_id,
        "state": task.state,
        "said": t(f"trace.task.{task.state}"),
        "steps": [
            {"said": t(f"trace.step.{each.kind}"), "team": each.team, "name": each.name,
             "at": each.at}
            for each in task.steps
        ],
    }  # fmt: skip


def export_shown(export: Export, actor: Actor, hours: int, now: datetime) -> dict[str, Any]:
    parties = {export.asked_by, export.decided_by}
    return {
        "id": export.id,
        "asker": export.asker,
        "asked_at": export.asked_at,
        "decider": export.decider,
        "decided_at": export.decided_at,
        "approved": export.approved,
        "mine": export.asked_by == actor.id,
        "open": export.lasts(hours, now) and actor.id in parties,
    }


def report_shown(report: Report, world: World) -> dict[str, Any]:
    labels = {each.code: spoken(each.label) for each in report.rules.tracing.classes}
    return {
        "case": case_line(report.case),
        "marks": marks_shown(report.marks),
        "tasks": [task_shown(each) for each in report.tasks],
        "counts": [{"label": labels[code], "n": n} for code, n in report.counts().items()],
        "parts": [
            {
                "subject": subject_shown(part.traced.subject, world, named=True),
                "sightings": traced_shown(part.traced, world),
                "contacts": [contact_shown(c, report.rules, world) for c in part.contacts],
                "unlisted": part.unlisted,
            }
            for part in report.parts
        ],
        "made_at": report.made_at,
    }


def named(subject: dict[str, Any]) -> str:
    """One subject in a line."""
    known = subject["masked_name"] or subject["plate"] or subject["place"]
    if subject["erased"]:
        known = t("ui.erased")
    kind = t(f"trace.subject.{subject['kind']}", n=subject["number"])
    return f"{kind} {known}".strip()


def open_to_all(state: CaseState) -> bool:
    """Whether marks can be set and work given."""
    return state in {CaseState.OPEN, CaseState.WAITING}


def options_of(teams: Sequence[Team]) -> list[dict[str, Any]]:
    return [{"value": each.id, "label": each.name} for each in teams]
