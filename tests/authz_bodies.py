"""What is sent to the routes of the matrix of who may, where a body is needed to get so far."""

from typing import Any, Protocol

from kernel.ids import uuid7
from tests.checkpoint.moves import number_of
from tests.city import City


class Stage(Protocol):
    """What a body names."""

    city: City
    clock: Any
    desk_case: int


def _act(ground: Stage) -> dict[str, Any]:
    return {"id": str(uuid7(ground.clock.now())), "kind": "departed"}


def _form(**fields: str):
    def fill(known: dict[str, str], ground: Stage) -> dict[str, Any]:
        now = ground.clock.now()
        given = {"event_id": str(uuid7(now)), "movement_id": known["movement_id"]}
        return {"data": given | fields}

    return fill


def _hold(ground: Stage) -> dict[str, Any]:
    return {"id": str(uuid7(ground.clock.now()))}


def _about_hold(**said: Any):
    def fill(_: dict[str, str], ground: Stage) -> dict[str, Any]:
        return {"json": _hold(ground) | said}

    return fill


def _scans(_: dict[str, str], ground: Stage) -> dict[str, Any]:
    now = ground.clock.now()
    scan = {
        "id": str(uuid7(now)),
        "kind": "entry",
        "place_id": ground.city.north,
        "occurred_at": now.isoformat(),
        "pass_number": number_of(ground.city, ground.desk_case),
    }
    return {"json": {"scans": [scan]}}


def _changes(_: dict[str, str], ground: Stage) -> dict[str, Any]:
    return {"json": {"id": str(uuid7(ground.clock.now())), "changes": {"goods": "daily"}}}


#: What is sent where the thing reached for is named in a body, or a body is needed to get so far.
BODIES: dict[str, Any] = {
    "POST /firm/arrived": _form(),
    # Only a device hands a lane over, whoever else may scan there.
    "POST /api/v1/gate/handovers": lambda _, ground: {
        "json": {
            "id": str(uuid7(ground.clock.now())),
            "gate": "1",
            "gave": "1",
            "took": "2",
            "counts": {},
            "unsynced": 0,
            "at": ground.clock.now().isoformat(),
        }
    },
    "POST /api/v1/movements/{movement_id:int}/events": lambda _, ground: {"json": _act(ground)},
    "POST /api/v1/events": lambda known, ground: {
        "json": {"events": [_act(ground) | {"movement_id": int(known["movement_id"])}]}
    },
    "POST /api/v1/scans": _scans,
    "PATCH /api/v1/movements/{movement_id:int}": _changes,
    "POST /loops/{movement_id:int}/people/{ordinal:int}/reveal": _form(reason="call"),
    "POST /api/v1/movements/{movement_id:int}/people/{ordinal:int}/reveal": lambda _, __: {
        "json": {"reason": "call"}
    },
    "POST /reg/places/{place_id:int}/act": _form(act="suspend", reason="x"),
    "POST /api/v1/places/{place_id:int}/acts": lambda _, __: {
        "json": {"act": "suspend", "reason": "x"}
    },
    "POST /api/v1/places/{place_id:int}/test-scans": lambda _, ground: {
        "json": {"id": str(uuid7(ground.clock.now())), "gate": "1", "result": "works"}
    },
    "POST /api/v1/places/{place_id:int}/codes/rotate": lambda _, __: {
        "json": {"gate": "1", "reason": "x"}
    },
    "POST /reg/places/{place_id:int}/contact": _form(reason="x"),
    # For the whole city only, so it matters who is confined to a district.
    "GET /api/v1/feed": lambda _, __: {},
    "POST /api/v1/holds": lambda known, ground: {
        "json": _hold(ground)
        | {"movement_id": int(known["movement_id"]), "source": "x", "reason": "x"}
    },
    "POST /api/v1/holds/{hold_id:uuid}/acknowledge": _about_hold(reference="B12"),
    "POST /api/v1/holds/{hold_id:uuid}/appeal": _about_hold(grounds="other"),
    "POST /api/v1/holds/{hold_id:uuid}/approve": _about_hold(),
    "POST /api/v1/holds/{hold_id:uuid}/dismiss": _about_hold(reason="x"),
    "POST /api/v1/holds/{hold_id:uuid}/release": _about_hold(reason="new_proof"),
    "POST /api/v1/holds/{hold_id:uuid}/transfer": _about_hold(place_id=1),
    "POST /holds/{hold_id:uuid}/approve": _form(),
    "POST /holds/{hold_id:uuid}/dismiss": _form(reason="x"),
    "POST /holds/{hold_id:uuid}/release": _form(reason="new_proof"),
    "POST /holds/{hold_id:uuid}/transfer": _form(receiver="1"),
    "POST /api/v1/places/{place_id:int}/lanes": lambda _, __: {"json": {"lanes": []}},
    "POST /reg/places/{place_id:int}/lanes": _form(),
    "POST /desk/{movement_id:int}/{outcome:str}": _form(),
    "POST /receive/{hold_id:uuid}": _form(reference="B12"),
    "POST /duty/{movement_id:int}/{what:str}": _form(),
    "POST /api/v1/visits": lambda _, ground: {
        "json": {"visits": [{"id": str(uuid7(ground.clock.now())), "occurred_at": "x"}]}
    },
    "POST /firm/trucks/{movement_id:int}": _form(code="6"),
    "POST /field/{movement_id:int}": _form(code="6"),
    "POST /d/{pass_ref:str}/reply": _form(code="6"),
    "POST /infodesk/{ticket_id:uuid}/{what:str}": _form(act="note", words="x"),
    "POST /hotline/calls/{ticket_id:uuid}": _form(result="settled"),
    "POST /expected/{movement_id:int}": _form(answer="yes"),
    "POST /api/v1/tickets/{ticket_id:uuid}/acts": _about_hold(act="note", words="x"),
    "POST /api/v1/tickets/{ticket_id:uuid}/claim": lambda _, __: {"json": {}},
    "POST /api/v1/expectations/{movement_id:int}/answer": _about_hold(answer="yes"),
    "POST /api/v1/coverage/rows/{due_id:int}/acts": _about_hold(
        act="units", reason="核实", street="城关镇", trade="商务局"
    ),
    "POST /api/v1/supervision/cases/{oversight_id:uuid}/steps": _about_hold(
        step="mended", evidence="照片", reason="复查"
    ),
    "POST /api/v1/supervision/problems/{problem_id:uuid}/acts": _about_hold(
        act="mend", evidence="整改后的照片"
    ),
    "POST /api/v1/supervision/cases": lambda known, ground: {
        "json": {
            "due_id": int(known["due_id"]),
            "ladder": "plaque",
            "step": _hold(ground) | {"step": "", "reason": "督查通报", "evidence": "照片"},
        }
    },
    "POST /api/v1/supervision/problems": lambda known, ground: {
        "json": _hold(ground)
        | {"due_id": int(known["due_id"]), "finding": "inaccurate", "note": "登记不全"}
    },
    "POST /api/v1/supervision/rounds": _about_hold(name="城关镇扫街", district="410221", teams=1),
    "POST /api/v1/supervision/visits": lambda known, ground: {
        "json": {
            "visits": [
                _hold(ground)
                | {
                    "round_id": known["round_id"],
                    "due_id": int(known["due_id"]),
                    "findings": ["not_in_use"],
                    "note": "当场指导",
                }
            ]
        }
    },
    "POST /api/v1/alerts/{alert_id:str}/claim": lambda _, __: {"json": {}},
    "POST /api/v1/alerts/{alert_id:str}/release": lambda _, __: {"json": {}},
    "POST /api/v1/alerts/{alert_id:str}/snooze": lambda _, __: {"json": {"minutes": 10}},
    "POST /api/v1/alerts/{alert_id:str}/reply": _about_hold(code=6),
    "POST /api/v1/alerts/{alert_id:str}/call": _about_hold(code=8, whom="driver"),
    "POST /api/v1/alerts/{alert_id:str}/close": _about_hold(reason="settled", proof="A1"),
    "POST /api/v1/alerts/{alert_id:str}/same-truck": lambda known, ground: {
        "json": _hold(ground) | {"other": int(known["movement_id"])}
    },
    # A case is of a district, whoever is named in it.
    **{
        f"GET {path}": lambda _, __: {}
        for path in (
            "/api/v1/traces/{case_id:uuid}",
            "/api/v1/traces/{case_id:uuid}/subjects/{subject_no:int}/contacts",
            "/api/v1/traces/{case_id:uuid}/subjects/{subject_no:int}/trajectory",
            "/trace/{case_id:uuid}",
            "/trace/{case_id:uuid}/people/{person_id:uuid}/reveal",
            "/trace/{case_id:uuid}/report",
            "/trace/{case_id:uuid}/subjects/{subject_no:int}",
            "/trace/{case_id:uuid}/subjects/{subject_no:int}/contacts",
        )
    },
    "POST /api/v1/traces": lambda known, ground: {
        "json": _hold(ground)
        | {
            "number": "x",
            "reason": "x",
            "since": "2022-04-30T00:00:00Z",
            "until": "2022-05-01T00:00:00Z",
            "subjects": [{"movement_id": int(known["movement_id"])}],
        }
    },
    "POST /api/v1/traces/{case_id:uuid}/decision": lambda _, __: {"json": {"approve": False}},
    "POST /api/v1/traces/{case_id:uuid}/exports": lambda _, ground: {"json": _hold(ground)},
    "POST /api/v1/traces/{case_id:uuid}/exports/{trace_export_id:uuid}/decision": lambda _, __: {
        "json": {"approve": True}
    },
    "POST /api/v1/traces/{case_id:uuid}/marks": lambda _, __: {"json": {"mark": "assembled"}},
    "POST /api/v1/traces/{case_id:uuid}/tasks": lambda known, ground: {
        "json": _hold(ground) | {"what": "x", "team_id": known["team_id"]}
    },
    "POST /api/v1/traces/{case_id:uuid}/tasks/{task_id:uuid}/steps": _about_hold(kind="done"),
    "POST /trace/new": _form(
        number="x", reason="x", since="2022-04-30T00:00", until="2022-05-01T00:00"
    ),
    "POST /trace/{case_id:uuid}/{trace_act:str}": _form(),
    "POST /trace/{case_id:uuid}/people/{person_id:uuid}/reveal": _form(reason="tracing"),
}
