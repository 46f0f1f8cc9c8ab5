"""What pages say: refusals beside their fields, reasons, and the ways that are open to a role."""

from collections.abc import Iterable
from typing import Any

from kernel.auth import Actor
from kernel.errors import Refused
from kernel.i18n import current_locale, t
from registry.imports import ImportReport, RowResult
from registry.model import Role
from registry.particulars import Fault

#: Why an application is sent back; stored by these names, with a sentence of the reviewer's.
REASONS = ("incorrect", "vague", "duplicate")
_SEPARATOR = ": "
#: A page of many thousand rows serves nobody: the refused ones come first.
MOST_ROWS_SHOWN = 500

#: The desk itself, and the units that it asks.
_INFODESK = {
    Role.HOTLINE, Role.DUTY, Role.GRID, Role.POLICE, Role.FIRM, Role.DESK, Role.AUDITOR,
}  # fmt: skip
_WAYS = (
    ("/gate", "ui.nav.lane", {Role.LANE}),
    ("/desk", "ui.nav.desk", {Role.DESK}),
    ("/receive", "ui.nav.receive", {Role.RECEIVER}),
    ("/firm", "ui.nav.firm", {Role.FIRM}),
    ("/duty", "ui.nav.duty", {Role.DUTY}),
    ("/duty/board", "ui.nav.board", {Role.DUTY, Role.AUDITOR}),
    ("/duty/find", "ui.nav.find", {Role.DUTY, Role.AUDITOR}),
    ("/duty/ledger", "ui.nav.ledger", {Role.DUTY, Role.AUDITOR}),
    ("/duty/report", "ui.nav.daily", {Role.DUTY, Role.AUDITOR}),
    ("/duty/extend", "ui.nav.extend", {Role.DUTY}),
    ("/field", "ui.nav.field", {Role.POLICE, Role.GRID}),
    ("/duty/lanes", "ui.nav.duty_lanes", {Role.DUTY}),
    (
        "/infodesk",
        "ui.nav.infodesk",
        {Role.HOTLINE, Role.DUTY, Role.GRID, Role.POLICE, Role.FIRM, Role.DESK, Role.AUDITOR},
    ),
    ("/hotline/new", "ui.nav.hotline", {Role.HOTLINE, Role.DUTY}),
    ("/hotline/calls", "ui.nav.calls", {Role.HOTLINE}),
    ("/expected", "ui.nav.expected", {Role.FIRM, Role.GRID, Role.HOTLINE, Role.DUTY, Role.AUDITOR}),
    ("/holds", "ui.nav.holds", {Role.DUTY, Role.DESK, Role.AUDITOR}),
    ("/paper", "ui.nav.paper", {Role.LANE, Role.DESK, Role.FIRM}),
    ("/assist", "ui.nav.assist", {Role.DESK, Role.HOTLINE}),
    ("/dispatch", "ui.nav.dispatch", {Role.FIRM, Role.DISPATCHER}),
    (
        "/supervision",
        "ui.nav.supervision",
        {Role.REGISTRAR, Role.INSPECTOR, Role.DUTY, Role.POLICE, Role.GRID, Role.AUDITOR},
    ),
    ("/loops", "ui.nav.loops", {Role.DUTY, Role.DESK, Role.TRACER, Role.AUDITOR}),
    ("/trace", "ui.nav.trace", {Role.TRACER, Role.DUTY, Role.AUDITOR}),
    ("/trace/teams", "ui.nav.trace_teams", {Role.TRACER}),
    ("/reg/applications", "ui.nav.applications", {Role.REGISTRAR}),
    ("/reg/bodies", "ui.nav.bodies", {Role.REGISTRAR}),
    ("/reg/transport", "ui.nav.transport", {Role.REGISTRAR}),
    ("/reg/posters", "ui.nav.posters", {Role.REGISTRAR}),
    ("/reg/import", "ui.nav.import", {Role.REGISTRAR}),
    ("/reg/evidence", "ui.nav.evidence", {Role.REGISTRAR}),
    ("/duty/marks", "ui.nav.marks", {Role.REGISTRAR}),
    ("/places", "ui.nav.places", {Role.REGISTRAR, Role.ADMIN, Role.INSPECTOR}),
    ("/admin/accounts", "ui.nav.accounts", {Role.ADMIN}),
    ("/admin/devices", "ui.nav.devices", {Role.ADMIN}),
    ("/admin/keys", "ui.nav.keys", {Role.ADMIN}),
    ("/admin/channels", "ui.nav.channels", {Role.ADMIN}),
    ("/security/accounts", "ui.nav.grants", {Role.SECURITY}),
    ("/security/keys", "ui.nav.keys", {Role.SECURITY}),
    ("/security/sessions", "ui.nav.sessions", {Role.SECURITY}),
    ("/security/retention", "ui.nav.retention", {Role.SECURITY, Role.AUDITOR}),
    ("/rules", "ui.nav.rules", {Role.ADMIN, Role.SECURITY, Role.AUDITOR}),
    ("/audit", "ui.nav.audit", {Role.AUDITOR}),
)


def navigation(actor: Actor | None) -> list[dict[str, str]]:
    if actor is None:
        return []
    return [{"url": url, "key": key} for url, key, roles in _WAYS if roles & actor.roles]


def labelled(items: Iterable[Any], attribute: str) -> list[dict[str, str]]:
    """Things of the rule set with their words in the reader's language."""
    locale = current_locale()
    return [
        {"value": each.code, "label": getattr(getattr(each, attribute), locale)} for each in items
    ]


def error(field: str, refused: Refused) -> dict[str, str]:
    return {"field": field, "message": t(f"error.{refused.code}", **refused.facts)}


def errors_of(faults: Iterable[Fault]) -> list[dict[str, str]]:
    return [error(fault.field, fault.refused) for fault in faults]


def reason_stored(reason: str, note: str) -> str:
    """Empty when no reason was chosen."""
    if reason not in REASONS:
        return ""
    return f"{reason}{_SEPARATOR}{note.strip()}" if note.strip() else reason


def reason_spoken(stored: str | None) -> str:
    """A reason given through the API is shown as it was written."""
    if stored is None:
        return ""
    reason, separator, note = stored.partition(_SEPARATOR)
    if reason not in REASONS:
        return stored
    return f"{t(f'ui.applications.reason.{reason}')}{separator}{note}"


def report_shown(report: ImportReport) -> dict[str, object]:
    first = sorted(report.rows, key=lambda row: (row.status != "refused", row.line))
    return {
        "dry_run": report.dry_run,
        "accepted": report.accepted,
        "repeated": report.repeated,
        "refused": report.refused,
        "rows": [_row(row) for row in first[:MOST_ROWS_SHOWN]],
    }


def _row(row: RowResult) -> dict[str, object]:
    detail = t(f"error.{row.code}", **row.facts) if row.code else ""
    return {"line": row.line, "status": row.status, "detail": detail}
