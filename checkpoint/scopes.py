"""Which scope a key needs for which call. What is not named here is open to no key at all: pages,
whatever reveals a person, and calls that are made later and forgotten here.
"""

import re

PREFIX = "/api/v1"
SCOPE_OF = {
    "GET /places": "places:read",
    "GET /places/{place_id}/poster.svg": "places:read",
    "GET /places/{place_id}/poster.pdf": "places:read",
    "GET /places/{place_id}/test-scans": "places:read",
    "POST /places/{place_id}/test-scans": "places:write",
    "POST /places/applications": "places:write",
    "GET /places/applications/{application_id}": "places:write",
    "PATCH /places/applications/{application_id}": "places:write",
    "GET /rules": "rules:read",
    "GET /passes/keys": "rules:read",
    "POST /evidence/{kind}": "evidence:write",
    "POST /movements": "movements:write",
    "PATCH /movements/{movement_id}": "movements:write",
    "GET /movements/{movement_id}": "movements:read",
    "GET /movements/{movement_id}/pass.svg": "movements:read",
    "GET /movements/{movement_id}/pass.pdf": "movements:read",
    "GET /movements/{movement_id}/history": "movements:read",
    "GET /loops": "loops:read",
    "GET /changes": "loops:read",
    "POST /scans": "scans:write",
    "POST /movements/{movement_id}/events": "events:write",
    "POST /events": "events:write",
    "GET /gate/words": "gate:read",
    "GET /gate/notices": "gate:read",
    "POST /gate/notices": "gate:write",
    "GET /holds": "holds:read",
    "POST /holds": "holds:write",
    "POST /holds/{hold_id}/acknowledge": "holds:write",
    "GET /alerts": "alerts:read",
    "GET /feed": "alerts:read",
    "POST /alerts/{alert_id}/reply": "alerts:write",
    "POST /alerts/{alert_id}/call": "alerts:write",
    "GET /transport-passes/{transport_no}": "transport:read",
    "POST /transport-passes": "transport:write",
    "POST /transport-passes/{transport_no}/revoke": "transport:write",
    "POST /movements/{movement_id}/photos": "events:write",
    "GET /expectations": "expectations:read",
    "POST /expectations/{movement_id}/answer": "expectations:write",
    "POST /visits": "visits:write",
    "POST /complaints": "tickets:write",
    "POST /help-requests": "tickets:write",
    "POST /tickets": "tickets:write",
    "GET /coverage": "coverage:read",
    "GET /coverage/rows": "coverage:read",
    "GET /coverage/rows/{due_id}": "coverage:read",
    "GET /coverage/sources": "coverage:read",
    "GET /supervision/flags": "coverage:read",
    "GET /supervision/problems": "coverage:read",
    "GET /supervision/report": "coverage:read",
    "GET /supervision/rounds/{round_id}/teams/{team}": "coverage:read",
}
#: Calls that are somebody's own to make.
_OWN = {
    "POST /places/applications/{application_id}/review": "a registrar's own decision",
    "POST /places/applications/import": "a registrar's own list",
    "POST /places/{place_id}/codes/rotate": "stops a poster at once",
    "POST /places/{place_id}/acts": "stops a place at once",
    "POST /places/{place_id}/lanes": "a registrar's own decision",
    "POST /movements/{movement_id}/people/{ordinal}/reveal": "shows a person whole",
    "POST /gate/enrol": "a console has a key of its own",
    "POST /gate/challenge": "a console has a key of its own",
    "POST /gate/session": "a console has a key of its own",
    "GET /gate/bundle": "a console has a key of its own",
    "POST /gate/handovers": "a console has a key of its own",
    "POST /camera-reads": "a camera is a device with a token of its own",
    "POST /cameras/{key}/hikvision": "a camera is a device with a token of its own",
    "POST /holds/{hold_id}/approve": "a second officer's own decision",
    "POST /holds/{hold_id}/release": "an officer's own decision",
    "POST /holds/{hold_id}/transfer": "an officer's own decision",
    "POST /holds/{hold_id}/appeal": "a person's own word",
    "POST /holds/{hold_id}/dismiss": "an officer's own decision",
    "POST /alerts/{alert_id}/claim": "says who looks after a truck",
    "POST /alerts/{alert_id}/release": "says who looks after a truck",
    "POST /alerts/{alert_id}/snooze": "says who looks after a truck",
    "POST /alerts/{alert_id}/close": "an officer's own decision",
    "POST /alerts/{alert_id}/same-truck": "an officer's own decision",
    "POST /alerts/handover": "says who looks after a truck",
    "GET /extensions": "an officer's own decision",
    "POST /extensions": "an officer's own decision",
    "POST /extensions/{extension_id}/decision": "a second officer's own decision",
    "GET /tickets": "shows what people said",
    "GET /tickets/{ticket_id}": "shows what people said",
    "POST /tickets/{ticket_id}/acts": "an officer's own decision",
    "POST /tickets/{ticket_id}/claim": "says who looks after somebody",
    "POST /coverage/import": "a registrar's own list",
    "POST /coverage/rows/{due_id}/acts": "a registrar's own decision",
    "POST /supervision/cases": "an inspector's own decision",
    "POST /supervision/cases/{oversight_id}/steps": "an inspector's own decision",
    "POST /supervision/problems": "an inspector's own decision",
    "POST /supervision/problems/{problem_id}/acts": "an inspector's own decision",
    "POST /supervision/rounds": "an inspector's own decision",
    "POST /supervision/visits": "an inspector's own word",
}
#: Where people were is looked at by people, each under their own name.
_TRACES = dict.fromkeys(
    (
        "GET /traces",
        "GET /traces/teams",
        "GET /traces/{case_id}",
        "GET /traces/{case_id}/report.csv",
        "GET /traces/{case_id}/report.pdf",
        "GET /traces/{case_id}/subjects/{subject_no}/contacts",
        "GET /traces/{case_id}/subjects/{subject_no}/trajectory",
        "POST /traces",
        "POST /traces/{case_id}/close",
        "POST /traces/{case_id}/decision",
        "POST /traces/{case_id}/exports",
        "POST /traces/{case_id}/exports/{trace_export_id}/decision",
        "POST /traces/{case_id}/marks",
        "POST /traces/{case_id}/tasks",
        "POST /traces/{case_id}/tasks/{task_id}/steps",
    ),
    "shows where people were",
)
#: Calls that no key may make, and why.
FOR_PEOPLE = _OWN | _TRACES
_TYPED = re.compile(r"\{(\w+):\w+\}")


def needed(method: str, template: str) -> str | None:
    """The scope of a call by its method and path template; None where no key may come."""
    return SCOPE_OF.get(call_of(method, template)) if template.startswith(PREFIX) else None


def call_of(method: str, template: str) -> str:
    path = _TYPED.sub(r"{\1}", template)
    return f"{method} {path.removeprefix(PREFIX)}"
