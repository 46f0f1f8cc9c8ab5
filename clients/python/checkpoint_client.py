"""A client of Checkpoint's API, made from its description by scripts/make_client.py.

    async with Client("https://checkpoint.example", token="...") as checkpoint:
        results = await checkpoint.post_scans(Batch(scans=[...]))

Whatever is refused raises `Refused`: decide by its `code`. After 429 and 503, and after a lost
connection, send the same again: ids make that safe. Needs httpx and msgspec.
"""
# pyright: basic
# ruff: noqa

from datetime import datetime
from types import TracebackType
from typing import Any, Literal, TypeVar
from uuid import UUID

import httpx
import msgspec
from msgspec import UNSET, Struct, UnsetType

T = TypeVar("T")


class Refused(Exception):
    """`facts` are all members of the answer; `retry_after` are seconds, where it says some."""

    def __init__(
        self, status: int, code: str, facts: dict[str, Any], retry_after: int | None
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code, self.facts, self.retry_after = status, code, facts, retry_after


About = Literal['person', 'vehicle', 'area']

Again = Literal['once', 'daily', 'always']

Card = Literal['green', 'yellow', 'white', 'red', 'duplicate', 'wrong_code']

CaseState = Literal['waiting', 'open', 'refused', 'closed']

Check = Literal['not_reported', 'incomplete', 'withdrawn', 'used', 'outside_window', 'plate_differs', 'declared', 'evidence_is', 'evidence_missing', 'evidence_older', 'source_stale', 'in_area']

Does = Literal['remind', 'flag', 'enquire', 'call', 'watch', 'trace', 'refer']

Kind = Literal['screening', 'complaint', 'help']

Level = Literal['A', 'B', 'C']

Meets = Literal['same_vehicle', 'same_gate', 'same_place', 'contact_of']

Mode = Literal['list', 'record']

Need = Literal['reason', 'evidence', 'ground', 'result', 'deadline', 'look_back', 'another', 'late']

PlaceKind = Literal['checkpoint', 'destination', 'venue']

Standing = Literal['done', 'done_late', 'overdue', 'running']

Tells = Literal['driver', 'firm', 'duty', 'grid', 'police', 'tracers']

TicketAct = Literal['push', 'reply', 'send_back', 'accept', 'reject', 'answer', 'call', 'close', 'reopen', 'rate', 'link', 'note']

Turn = Literal['rotate_code', 'revoke_code', 'suspend', 'resume', 'revoke']

alerts_tickets_model_State = Literal['received', 'pushed', 'replied', 'reviewed', 'answered', 'closed']

closedloop_model_State = Literal['draft', 'issued', 'presented', 'verifying', 'turned_back', 'held', 'transferred', 'released', 'incident', 'overdue', 'enquiry', 'arrived', 'discrepancy', 'confirmed', 'exit_pending', 'discharged', 'closed_by_officer', 'referred', 'lapsed', 'voided', 'cancelled']

registry_stepladders_Mark = Literal['pennant', 'mend_notice', 'black_plaque']


class Acknowledgement(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    reference: "str"


class Act(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    kind: "str"
    occurred_at: "datetime | None" = None
    place_id: "int | None" = None
    reason: "str" = ''
    note: "str" = ''
    minutes: "int | None" = None
    code: "int | None" = None
    proof: "str" = ''
    outcome: "str" = ''
    source: "str" = ''
    second_approver: "str" = ''
    hold_id: "UUID | None" = None
    person: "int | None" = None


class Acted(Struct, kw_only=True, omit_defaults=True):
    place_id: "int"
    status: "str"
    gate: "str" = ''
    code: "str | None" = None


class Acts(Struct, kw_only=True, omit_defaults=True):
    events: "list[MovementAct]"


class Alert(Struct, kw_only=True, omit_defaults=True):
    alert_id: "str"
    movement_id: "int"
    stop: "int"
    limb: "str"
    limit_no: "int"
    step: "str"
    due_at: "datetime"
    raised_at: "datetime"
    ended_at: "datetime | None"


class Alerts(Struct, kw_only=True, omit_defaults=True):
    alerts: "list[Alert]"
    cursor: "str | None"


class Amendment(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    changes: "dict[str, Any]"


class Answer(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    label: "Text"


class Appeal(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    grounds: "str"
    note: "str" = ''


class ApplicationRow(Struct, kw_only=True, omit_defaults=True):
    line: "int"
    status: Literal['accepted', 'repeated', 'lookalike', 'refused']
    code: "str" = ''
    facts: "dict[str, Any] | UnsetType" = UNSET


class Applied(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    state: "str"


class Approval(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    note: "str" = ''


class Asking(Struct, kw_only=True, omit_defaults=True):
    device: "UUID"


class Batch(Struct, kw_only=True, omit_defaults=True):
    scans: "list[Scan]"


class BulkReport(Struct, kw_only=True, omit_defaults=True):
    dry_run: "bool"
    accepted: "int"
    repeated: "int"
    lookalike: "int"
    refused: "int"
    rows: "list[ApplicationRow]"
    rejects_id: "UUID | None" = None


class Call(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    whom: "str"
    code: "int"
    minutes: "int | None" = None
    place_id: "int | None" = None
    proof: "str" = ''
    answers: "dict[str, str] | UnsetType" = UNSET
    note: "str" = ''


class CallResult(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    label: "Text"
    after: "str"


class CameraRead(Struct, kw_only=True, omit_defaults=True):
    """`id` is the camera's own, for ever; `offline`: it could not be sent when it was taken; `picture` says where the camera keeps its picture."""

    id: "str"
    plate: "str"
    confidence: "float"
    taken_at: "str"
    gate: "str" = ''
    picture: "str" = ''
    offline: "bool" = False


class CameraReads(Struct, kw_only=True, omit_defaults=True):
    reads: "list[CameraRead]"


class Category(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    label: "Text"
    unit: "str" = ''
    minutes: "int | None" = None
    priority: "int" = 3


class Challenge(Struct, kw_only=True, omit_defaults=True):
    nonce: "str"
    server_time: "datetime"


class Change(Struct, kw_only=True, omit_defaults=True):
    position: "int"
    movement_id: "int"
    version: "int"
    state: "str"
    at: "datetime"
    plate: "str"
    entry_place_id: "int | None"
    next_place_id: "int | None"


class Changes(Struct, kw_only=True, omit_defaults=True):
    changes: "list[Change]"
    after: "int"
    more: "bool"


class Claim(Struct, kw_only=True, omit_defaults=True):
    movement_id: "int"
    account_id: "UUID"
    until: "datetime"


class Claimed(Struct, kw_only=True, omit_defaults=True):
    until: "datetime"


class Clocks(Struct, kw_only=True, omit_defaults=True):
    push_minutes: "int"
    unit_minutes: "int"
    review_minutes: "int"
    tell_minutes: "int"


class Close(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    decision: "str" = 'propose'
    reason: "str" = ''
    proof: "str" = ''


class Closing(Struct, kw_only=True, omit_defaults=True):
    by: "str"
    at: "datetime"
    reason: "str"
    proof: "str" = ''


class CodeAct(Struct, kw_only=True, omit_defaults=True):
    act: "Turn"
    reason: "str" = ''
    gate: "str" = ''
    until: "datetime | None" = None


class Companion(Struct, kw_only=True, omit_defaults=True):
    name: "str" = ''
    id_type: "str" = 'resident'
    id_number: "str" = ''
    phone: "str" = ''
    declared: "dict[str, bool] | UnsetType" = UNSET


class CoverageReport(Struct, kw_only=True, omit_defaults=True):
    dry_run: "bool"
    source: "str"
    office: "str"
    as_of: "str"
    accepted: "int"
    changed: "int"
    repeated: "int"
    refused: "int"
    matched: "int"
    ignored: "list[str]"
    rows: "list[coverage_imports_DueRow]"
    rejects_id: "UUID | None" = None


class DayReport(Struct, kw_only=True, omit_defaults=True):
    day: "str"
    lines: "list[Line]"
    done: "dict[str, int]"
    steps: "dict[str, int]"
    marks: "dict[str, int]"
    units: "list[Unit]"
    named: "list[Flag]"


class DeskRules(Struct, kw_only=True, omit_defaults=True):
    screening: "Clocks"
    complaint: "Clocks"
    help: "Clocks"
    screenings: "list[Category]"
    complaints: "list[Category]"
    needs: "list[Category]"
    triage: "list[Triage]"
    help_minutes: "list[int]"
    ageing_minutes: "int"
    per_sender_hour: "int"
    seats: "int"
    claim_minutes: "int"
    call_results: "list[CallResult]"
    call_tries: "int"
    call_again_minutes: "int"
    expected_minutes: "int"
    reopen_days: "int"


class DeviceClock(Struct, kw_only=True, omit_defaults=True):
    """`monotonic`: ms since the device started; `offset`: ms to add to its time, as last known."""

    monotonic: "int" = 0
    offset: "int" = 0


class Directory(Struct, kw_only=True, omit_defaults=True):
    places: "list[Listing]"


class Dismissal(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    reason: "str"
    note: "str" = ''


class Doing(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    act: "TicketAct"
    version: "int | None" = None
    unit: "str" = ''
    reason: "str" = ''
    words: "str" = ''
    result: "str" = ''
    answers: "dict[str, str] | UnsetType" = UNSET
    rating: "int | None" = None
    event_id: "UUID | None" = None
    movement_id: "int | None" = None


class Done(Struct, kw_only=True, omit_defaults=True):
    ticket: "Ticket"
    repeated: "bool" = False


class DueAct(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    act: "str"
    reason: "str"
    place_id: "int | None" = None
    district: "str" = ''
    street: "str" = ''
    trade: "str" = ''


class DueActed(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    result: Literal['recorded', 'repeated']


class DueChange(Struct, kw_only=True, omit_defaults=True):
    kind: "str"
    before: "str"
    after: "str"
    reason: "str"
    actor_name: "str"
    at: "datetime"


class DueDetail(Struct, kw_only=True, omit_defaults=True):
    row: "coverage_DueRow"
    changes: "list[DueChange]"


class Enrolled(Struct, kw_only=True, omit_defaults=True):
    device: "UUID"
    name: "str"
    place: "Place"
    keys: "list[PublishedKey]"


class Enrolment(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    public_key: "PublicKey"


class EvidenceKind(Struct, kw_only=True, omit_defaults=True):
    kind: "str"
    mode: "Mode"
    values: "list[str]"
    label: "Text"
    about: "About | UnsetType" = UNSET
    single: "bool" = False
    fresh_hours: "int | None" = None
    spoken: "list[Text]" = []


class Expectation(Struct, kw_only=True, omit_defaults=True):
    movement_id: "int"
    stop: "int"
    place_id: "int"
    place: "str"
    plate: "str"
    driver: "str"
    origin: "str"
    goods: "str"
    state: "str"
    expected_entry_at: "datetime | None"
    due_at: "datetime"
    answer: "str"
    other_place: "str"
    later_at: "datetime | None"
    answered_at: "datetime | None"
    after_entry: "bool"


class Expectations(Struct, kw_only=True, omit_defaults=True):
    expectations: "list[Expectation]"


class Expected(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    answer: "str"
    place_id: "int | None" = None
    other_place_id: "int | None" = None
    later_at: "datetime | None" = None
    note: "str" = ''


class Export(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    asked_by: "UUID"
    asker: "str"
    asked_at: "datetime"
    decided_by: "UUID | None"
    decider: "str"
    decided_at: "datetime | None"
    approved: "bool | None"


class Extension(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    place_id: "int"
    side: Literal['to', 'from']
    minutes: "int"
    reason: "str"
    proposed_by: "UUID"
    proposed_at: "datetime"
    proposer: "str"
    decider: "str"
    decided_at: "datetime | None"
    approved: "bool | None"
    limits: "int | None"


class Extensions(Struct, kw_only=True, omit_defaults=True):
    extensions: "list[Extension]"


class Failure(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    blocks: "bool" = False
    card: "Card | None" = None
    person: "int | None" = None
    field: "str | None" = None
    facts: "dict[str, Any] | UnsetType" = UNSET


class FailureView(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    sentence: "str"
    mend: "str"
    blocks: "bool"
    field: "str | None"
    card: "str | None"
    person: "int | None"
    facts: "dict[str, Any]"


class Feed(Struct, kw_only=True, omit_defaults=True):
    messages: "list[Message]"
    after: "int"


class Figures(Struct, kw_only=True, omit_defaults=True):
    lines: "list[Line]"


class Filed(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    kind: "PlaceKind"
    category: "str"
    name: "str"
    district_code: "str"
    district: "str"
    address: "str"
    gates: "list[str]"
    state: Literal['pending', 'approved', 'rejected']
    reason: "str | None"
    applied_at: "datetime"
    mended_at: "datetime | None"
    place_id: "int | None"
    within_code: "str" = ''
    within: "str | None" = None


class Finding(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    label: "Text"
    mend_days: "int" = 3
    by_loop: "bool" = False


class Flag(Struct, kw_only=True, omit_defaults=True):
    kind: Literal['check_missed', 'look_back_due', 'mending_late']
    subject: "UUID"
    due_id: "int"
    place_id: "int | None"
    name: "str"
    street: "str"
    trade: "str"
    since: "str"
    days: "int"
    problem: "bool" = False


class Frozen(Struct, kw_only=True, omit_defaults=True):
    report: "DayReport"
    version: "int"
    reason: "str" = ''
    made_at: "datetime | None" = None
    versions: "list[int]" = []


class Goods(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    label: "Text"


class HandedOver(Struct, kw_only=True, omit_defaults=True):
    claims: "int"


class Held(Struct, kw_only=True, omit_defaults=True):
    movement_id: "int"
    plate: "str"
    people: "list[str]"
    place_id: "int | None"
    hold: "Hold"


class HistoryView(Struct, kw_only=True, omit_defaults=True):
    movement_id: "int"
    state: "str"
    flags: "list[str]"
    loop: "Loop"
    events: "list[dict[str, Any]]"


class Hold(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    source: "str"
    reason: "str"
    since: "datetime"
    by: "str"
    person: "int | None" = None
    review_by: "datetime"
    takeover_by: "datetime"
    expires_at: "datetime"
    appeal_minutes: "int" = 60
    also: "list[str]" = []
    approved_by: "str" = ''
    approved_at: "datetime | None" = None
    receiver_id: "int | None" = None
    asked_at: "datetime | None" = None
    grounds: "str" = ''
    appealed_at: "datetime | None" = None
    appeal_due: "datetime | None" = None
    dismissed_for: "str" = ''
    dismissed_at: "datetime | None" = None
    ended_at: "datetime | None" = None
    ended_by: "str" = ''
    ended_for: "str" = ''


class Holds(Struct, kw_only=True, omit_defaults=True):
    holds: "list[Held]"


class ImportReport(Struct, kw_only=True, omit_defaults=True):
    kind: "str"
    source: "str"
    as_of: "datetime"
    dry_run: "bool"
    accepted: "int"
    repeated: "int"
    refused: "int"
    fresh: "bool"
    rows: "list[RowResult]"
    batch_id: "UUID | None" = None


class Kept(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"


class Lane(Struct, kw_only=True, omit_defaults=True):
    gate: "str"
    direction: Literal['in', 'out', 'both'] = 'both'
    serves: Literal['all', 'trucks', 'cars'] = 'all'
    dedicated: "bool" = False


class Lanes(Struct, kw_only=True, omit_defaults=True):
    lanes: "list[Lane]"


class Limits(Struct, kw_only=True, omit_defaults=True):
    window_before_hours: "int" = 6
    window_after_hours: "int" = 24
    report_ahead_days: "int" = 7
    arrival_factor: "float" = 1.5
    arrival_extra_minutes: "int" = 30
    arrival_min_minutes: "int" = 60
    arrival_max_minutes: "int" = 360
    learn_samples: "int" = 30
    learn_percent: "int" = 98
    learn_extra_minutes: "int" = 15
    road_minutes: "int" = 60
    stop_minutes: "int" = 60
    confirm_minutes: "int" = 60
    desk_minutes: "int" = 60
    hold_review_minutes: "int" = 30
    hold_takeover_minutes: "int" = 60
    hold_expiry_minutes: "int" = 240
    appeal_minutes: "int" = 60
    exit_after_minutes: "int" = 120
    delay_minutes: "int" = 60
    duplicate_minutes: "int" = 10
    upload_hours: "int" = 72
    upload_grace_minutes: "int" = 15
    clock_skew_seconds: "int" = 120


class Line(Struct, kw_only=True, omit_defaults=True):
    level: Literal['all', 'district', 'street', 'trade']
    district_code: "str" = ''
    district: "str" = ''
    street: "str" = ''
    trade: "str" = ''
    due: "int"
    set_up: "int"
    in_use: "int"
    today: "int"
    idle: "int"


class Listed(Struct, kw_only=True, omit_defaults=True):
    ticket: "Ticket"
    urgency: "int"


class Listing(Struct, kw_only=True, omit_defaults=True):
    id: "int"
    kind: "PlaceKind"
    category: "str"
    name: "str"
    district_code: "str"
    district: "str"
    road: "str"
    address: "str"


class Loop(Struct, kw_only=True, omit_defaults=True):
    movement_id: "int"
    state: "closedloop_model_State | UnsetType" = UNSET
    attempt: "int" = 0
    stops: "list[closedloop_model_Stop]" = []
    failures: "list[Failure]" = []
    window_to: "datetime | None" = None
    expected_exit_at: "datetime | None" = None
    entry_place_id: "int | None" = None
    entry_gate: "str" = ''
    carded_at: "datetime | None" = None
    last_card: "Card | None" = None
    passed_lane: "str" = ''
    state_since: "datetime | None" = None
    released_at: "datetime | None" = None
    quiet_until: "datetime | None" = None
    extended: "bool" = False
    hold: "Hold | None" = None
    ended_holds: "list[Hold]" = []
    holds: "int" = 0
    appeals: "int" = 0
    desk_no: "int" = 0
    at_desk_since: "datetime | None" = None
    confirm_minutes: "int" = 60
    desk_minutes: "int" = 60
    exit_minutes: "int" = 120
    stop_minutes: "int" = 60
    ahead_minutes: "int" = 30
    enquiry_minutes: "int" = 15
    exit_scan: "bool" = False
    exited_at: "datetime | None" = None
    discrepancy: "str | None" = None
    last_reply: "int" = 0
    replied_at: "datetime | None" = None
    called_at: "datetime | None" = None
    closing: "Closing | None" = None
    void_reason: "str" = ''
    flags: "list[str]" = []


class LoopRow(Struct, kw_only=True, omit_defaults=True):
    movement_id: "int"
    state: "str"
    plate: "str"
    driver: "str"
    stops: "list[int]"
    entry_place_id: "int | None"
    next_place_id: "int | None"
    released_at: "datetime | None"
    due_at: "datetime | None"
    last_card: "str"
    flags: "list[str]"
    updated_at: "datetime"


class Loops(Struct, kw_only=True, omit_defaults=True):
    loops: "list[LoopRow]"
    cursor: "int | None"


class MarkSaid(Struct, kw_only=True, omit_defaults=True):
    mark: "str"


class Member(Struct, kw_only=True, omit_defaults=True):
    part: "str"
    unit: "str" = ''
    login: "str" = ''
    name: "str" = ''


class Mending(Struct, kw_only=True, omit_defaults=True):
    kind: "str | UnsetType" = UNSET
    category: "str | UnsetType" = UNSET
    name: "str | UnsetType" = UNSET
    district: "str | UnsetType" = UNSET
    address: "str | UnsetType" = UNSET
    gates: "list[str] | UnsetType" = UNSET
    within: "str | UnsetType" = UNSET
    contact_name: "str | UnsetType" = UNSET
    contact_phone: "str | UnsetType" = UNSET
    confirm_new: "bool" = False


class Message(Struct, kw_only=True, omit_defaults=True):
    position: "int"
    id: "UUID"
    key: "str"
    kind: "str"
    recipient: "str"
    facts: "dict[str, Any]"
    created_at: "datetime"
    sent_at: "datetime | None"


class Missed(Struct, kw_only=True, omit_defaults=True):
    flags: "list[Flag]"


class MovementAct(Struct, kw_only=True, omit_defaults=True):
    """An act in a batch names its movement."""

    id: "UUID"
    kind: "str"
    occurred_at: "str | None" = None
    place_id: "int | None" = None
    reason: "str" = ''
    note: "str" = ''
    minutes: "int | None" = None
    code: "int | None" = None
    proof: "str" = ''
    outcome: "str" = ''
    source: "str" = ''
    second_approver: "str" = ''
    hold_id: "UUID | None" = None
    person: "int | None" = None
    movement_id: "int"


class MovementView(Struct, kw_only=True, omit_defaults=True):
    id: "int"
    state: "str"
    version: "int"
    pass_number: "str | None"
    plate: "str"
    stops: "list[int]"
    entry_place_id: "int | None"
    window_from: "datetime | None"
    window_to: "datetime | None"
    released_at: "datetime | None"
    due_at: "datetime | None"
    flags: "list[str]"
    failures: "list[FailureView]"
    view_key: "str | None" = None


class Named(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    label: "Text"


class Needed(Struct, kw_only=True, omit_defaults=True):
    evidence: "str"
    values: "list[str]"


class NewApplication(Struct, kw_only=True, omit_defaults=True):
    kind: "str" = ''
    category: "str" = ''
    name: "str" = ''
    district: "str" = ''
    address: "str" = ''
    gates: "list[str]" = []
    within: "str" = ''
    contact_name: "str" = ''
    contact_phone: "str" = ''
    confirm_new: "bool" = False


class NewCase(Struct, kw_only=True, omit_defaults=True):
    due_id: "int"
    ladder: "str"
    step: "alerts_supervision_cases_StepSaid"


class NewExport(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"


class NewExtension(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    place_id: "int"
    side: "str"
    minutes: "int"
    reason: "str"


class NewHold(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    movement_id: "int"
    source: "str"
    reason: "str"
    person: "int | None" = None
    occurred_at: "datetime | None" = None


class NewItem(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    category: "str"
    words: "str" = ''
    name: "str" = ''
    phone: "str" = ''
    plate: "str" = ''
    seen_at: "datetime | None" = None
    pass_number: "str" = ''
    district: "str" = ''
    yes: "list[str]" = []
    kind: "Kind"


class NewProblem(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    due_id: "int"
    finding: "str"
    note: "str" = ''
    street: "str" = ''
    trade: "str" = ''
    days: "int | None" = None


class NewRound(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    name: "str"
    district: "str"
    teams: "int" = 9
    street: "str" = ''
    trade: "str" = ''
    only_missing: "bool" = False


class NewTask(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    what: "str"
    team_id: "UUID"


class NewTicket(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    category: "str"
    words: "str" = ''
    name: "str" = ''
    phone: "str" = ''
    plate: "str" = ''
    seen_at: "datetime | None" = None
    pass_number: "str" = ''
    district: "str" = ''
    yes: "list[str]" = []


class NewTrace(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    number: "str"
    reason: "str"
    since: "datetime"
    until: "datetime"
    subjects: "list[SubjectSaid]"


class Notice(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    place_id: "int"
    gate: "str"
    kind: Literal['closed', 'wait']
    minutes: "int | None"
    reason: "str"
    until: "datetime | None"
    said_at: "datetime"


class Notices(Struct, kw_only=True, omit_defaults=True):
    notices: "list[Notice]"


class Opening(Struct, kw_only=True, omit_defaults=True):
    device: "UUID"
    nonce: "str"
    signature: "str"


class OverStep(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    label: "Text"
    roles: "list[str]"
    after: "list[str]" = []
    needs: "list[Need]" = []
    grounds: "list[Named]" = []
    again: "Again | UnsetType" = UNSET
    puts: "registry_stepladders_Mark | None" = None
    lifts: "bool" = False
    ends: "bool" = False
    forgets: "list[str]" = []
    days: "int" = 0


class Override(Struct, kw_only=True, omit_defaults=True):
    reason: "str"


class PassKeys(Struct, kw_only=True, omit_defaults=True):
    keys: "list[PublishedKey]"


class PhotoKept(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    result: Literal['recorded', 'repeated']


class PhotoSent(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    image: "str"


class Place(Struct, kw_only=True, omit_defaults=True):
    id: "int"
    name: "str"
    gates: "list[str]"


class Priority(Struct, kw_only=True, omit_defaults=True):
    sentence: "Text"
    proofs: "list[Needed]"
    goods: "list[str]" = []
    issued: "str" = ''
    most_days: "int" = 30


class Problem(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    due_id: "int"
    place_id: "int | None"
    name: "str"
    district: "str"
    finding: "str"
    street: "str"
    trade: "str"
    state: Literal['open', 'mended', 'closed']
    deadline: "datetime"
    late: "bool"
    source: "str"
    opened_at: "datetime"
    closed_at: "datetime | None"
    times_reopened: "int"


class ProblemAct(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    act: "str"
    note: "str" = ''
    evidence: "str" = ''
    photo: "UUID | None" = None


class ProblemReceipt(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    result: Literal['recorded', 'repeated']
    problem_id: "UUID"
    state: Literal['open', 'mended', 'closed']


class Problems(Struct, kw_only=True, omit_defaults=True):
    problems: "list[Problem]"
    cursor: "str | None"


class PublicKey(Struct, kw_only=True, omit_defaults=True):
    x: "str"
    y: "str"


class PublishedKey(Struct, kw_only=True, omit_defaults=True):
    kid: "int"
    kty: "str" = 'EC'
    crv: "str" = 'P-256'
    alg: "str" = 'ES256'
    use: "str" = 'sig'
    x: "str"
    y: "str"
    signs_from: "datetime"


class Question(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    sentence: "Text"


class Reason(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    sentence: "Text"
    mend: "Text"


class Receipt(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    result: Literal['recorded', 'repeated']
    case_id: "UUID"


class Release(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    reason: "str"
    proof: "str" = ''


class Reply(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    code: "int"
    minutes: "int | None" = None
    place_id: "int | None" = None
    proof: "str" = ''
    note: "str" = ''


class Report(Struct, kw_only=True, omit_defaults=True):
    name: "str" = ''
    id_type: "str" = 'resident'
    id_number: "str" = ''
    phone: "str" = ''
    plate: "str" = ''
    trailer_plate: "str" = ''
    origin: "str" = ''
    entry_place_id: "int | None" = None
    expected_entry_at: "datetime | None" = None
    expected_exit_at: "datetime | None" = None
    declared: "dict[str, bool] | UnsetType" = UNSET
    stops: "list[int]" = []
    crew: "list[Companion]" = []
    goods: "str" = ''
    id: "UUID | None" = None


class Result(Struct, kw_only=True, omit_defaults=True):
    id: "str | None"
    status: "str"
    card: "str | None" = None
    reasons: "list[FailureView] | UnsetType" = UNSET
    priority: "bool" = False
    advice: "str | None" = None
    movement: "Seen | None" = None
    code: "str | None" = None
    detail: "str | None" = None
    facts: "dict[str, Any] | UnsetType" = UNSET


class Results(Struct, kw_only=True, omit_defaults=True):
    results: "list[Result]"


class Reviewed(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    state: Literal['approved', 'rejected']
    place_id: "int | None" = None


class Revocation(Struct, kw_only=True, omit_defaults=True):
    reason: "str"


class RiskPlace(Struct, kw_only=True, omit_defaults=True):
    label: "Text"
    cases: "int"
    days: "int" = 14


class Rotated(Struct, kw_only=True, omit_defaults=True):
    gate: "str"
    code: "str"
    url: "str"


class Rotation(Struct, kw_only=True, omit_defaults=True):
    gate: "str"
    reason: "str" = ''


class Round(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    name: "str"
    district_code: "str"
    district: "str"
    teams: "int"
    stops: "int"
    visited: "int"
    problems: "int"
    made_at: "datetime"
    ended_at: "datetime | None"


class Row(Struct, kw_only=True, omit_defaults=True):
    id: "int"
    name: "str"
    district: "str"
    street: "str"
    trade: "str"
    address: "str"
    place_id: "int | None"
    set_up: "bool"
    idle: "bool"
    last_scan: "datetime | None"


class RowResult(Struct, kw_only=True, omit_defaults=True):
    line: "int"
    status: Literal['accepted', 'repeated', 'refused']
    code: "str" = ''
    facts: "dict[str, Any] | UnsetType" = UNSET


class Rows(Struct, kw_only=True, omit_defaults=True):
    rows: "list[Row]"
    cursor: "int | None"


class Rule(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    check: "Check"
    sentence: "Text"
    mend: "Text"
    evidence: "str | None" = None
    values: "list[str]" = []
    hours: "int | None" = None
    question: "str | None" = None
    card: "Card"


class RuleSet(Struct, kw_only=True, omit_defaults=True):
    scenario: "str"
    name: "Text"
    evidence: "list[EvidenceKind]"
    questions: "list[Question]"
    rules: "list[Rule]"
    turn_back_reasons: "list[Reason]"
    hold_reasons: "list[Reason]"
    goods: "list[Goods]"
    limits: "Limits | UnsetType" = UNSET
    priority: "Priority | None" = None
    ladder: "list[Rung] | UnsetType" = UNSET
    tracing: "Tracing | UnsetType" = UNSET
    supervision: "Supervision | UnsetType" = UNSET
    call_questions: "list[Question]" = []
    visitors: "Visitors | UnsetType" = UNSET
    screening: "list[desk_rules_Asked]" = []
    desk: "DeskRules | None" = None
    exit_scan: "bool" = False
    claim_closes: "bool" = False
    spoken: "str" = ''
    version: "int" = 0


class Rung(Struct, kw_only=True, omit_defaults=True):
    step: "str"
    limbs: "list[str]"
    minutes: "int"
    does: "Does"
    tells: "list[Tells]" = []


class SameTruck(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    other: "int"


class Scan(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    kind: "str"
    place_id: "int"
    occurred_at: "str"
    pass_number: "str" = ''
    plate: "str" = ''
    gate: "str" = ''
    device: "str" = ''
    sequence: "int | None" = None
    clock: "DeviceClock | UnsetType" = UNSET
    offline: "bool" = False
    plate_seen: "str" = ''
    code: "str" = ''
    card_shown: "str" = ''
    rules_version: "int | None" = None
    override: "Override | None" = None


class Seen(Struct, kw_only=True, omit_defaults=True):
    id: "int"
    state: "str"
    plate: "str"
    flags: "list[str]"


class Session(Struct, kw_only=True, omit_defaults=True):
    token: "str"
    expires_at: "datetime"
    server_time: "datetime"


class Shown(Struct, kw_only=True, omit_defaults=True):
    number: "str"
    standing: "str"
    plate: "str"
    goods: "str"
    carrier: "str"
    issued_at: "datetime"
    valid_until: "datetime"
    revoke_reason: "str"


class Snooze(Struct, kw_only=True, omit_defaults=True):
    minutes: "int"


class Snoozed(Struct, kw_only=True, omit_defaults=True):
    until: "datetime"


class Source(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    source: "str"
    office: "str"
    as_of: "str"
    imported_at: "datetime"
    refused: "int"
    rows: "int"


class Sources(Struct, kw_only=True, omit_defaults=True):
    lists: "list[Source]"


class Stepladder(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    label: "Text"
    steps: "list[OverStep]"


class Stops(Struct, kw_only=True, omit_defaults=True):
    stops: "list[alerts_street_rounds_Stop]"


class SubjectSaid(Struct, kw_only=True, omit_defaults=True):
    movement_id: "int | None" = None
    ordinal: "int | None" = None
    id_type: "str" = 'resident'
    id_number: "str" = ''
    plate: "str" = ''
    place_id: "int | None" = None


class Supervision(Struct, kw_only=True, omit_defaults=True):
    ladders: "list[Stepladder]" = []
    findings: "list[Finding]" = []
    parties: "list[Named]" = []
    idle_days: "int" = 7
    check_by_hour: "int" = 18
    look_days: "int" = 7
    late_confirmations: "int" = 3
    unread_releases: "int" = 5
    holes: "int" = 1
    against_rules: "int" = 1


class TakenReads(Struct, kw_only=True, omit_defaults=True):
    results: "list[checkpoint_cameras_api_Taken]"


class Task(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    what: "str"
    team_id: "UUID"
    team: "str"
    state: "str"
    changed_at: "datetime"
    steps: "list[closedloop_tracing_team_queries_Step]"


class Team(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    name: "str"
    open_tasks: "int"
    members: "list[Member]"


class TeamPart(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    members: "int"
    label: "Text"


class Teams(Struct, kw_only=True, omit_defaults=True):
    teams: "list[Team]"


class TestScans(Struct, kw_only=True, omit_defaults=True):
    test_scans: "list[TrialScanned]"


class Text(Struct, kw_only=True, omit_defaults=True):
    zh: "str"
    en: "str"


class Ticket(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    number: "str"
    kind: "Kind"
    category: "str"
    source: "str"
    priority: "int"
    crowded: "bool"
    state: "alerts_tickets_model_State"
    version: "int"
    rules_version: "int"
    lang: "str"
    received_at: "datetime"
    since: "datetime"
    due_at: "datetime | None"
    answer_by: "datetime"
    finished_at: "datetime | None"
    district_code: "str"
    unit_kind: "str"
    unit_district: "str"
    unit_place_id: "int | None"
    plate: "str"
    seen_at: "datetime | None"
    about_movement: "int | None"
    about_event: "UUID | None"
    masked_name: "str"
    masked_phone: "str"
    batch_id: "UUID | None"
    tries: "int"
    not_before: "datetime | None"
    claimed_by: "UUID | None"
    claimed_until: "datetime | None"
    reopened: "bool"
    rating: "int | None"


class Tickets(Struct, kw_only=True, omit_defaults=True):
    tickets: "list[Listed]"
    skip: "int | None"


class TraceClass(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    label: "Text"


class TraceMark(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    minutes: "int"
    label: "Text"


class TraceRule(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    gives: "str"
    meets: "Meets"
    sentence: "Text"
    minutes: "int | None" = None
    of: "str | None" = None


class TraceView(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    number: "str"
    reason: "str"
    state: "CaseState"
    since: "datetime"
    until: "datetime"
    subjects: "int"
    people_shown: "int"
    opened_by: "str"
    opened_at: "datetime"
    needs_second: "bool"
    approved: "bool | None"
    decided_by: "str"
    closed_at: "datetime | None"
    marks: "list[closedloop_tracing_clock_Mark]"
    tasks: "list[Task]"
    exports: "list[Export]"


class Traces(Struct, kw_only=True, omit_defaults=True):
    traces: "list[TraceView]"
    cursor: "str | None"


class Tracing(Struct, kw_only=True, omit_defaults=True):
    classes: "list[TraceClass]" = []
    rules: "list[TraceRule]" = []
    risk_place: "RiskPlace | None" = None
    marks: "list[TraceMark]" = []
    team: "list[TeamPart]" = []
    alone_subjects: "int" = 5
    alone_days: "int" = 14
    most_days: "int" = 90
    export_hours: "int" = 24


class Transfer(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    place_id: "int"


class Triage(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    sentence: "Text"
    priority: "int"


class Trial(Struct, kw_only=True, omit_defaults=True):
    gate: "str"
    result: "str"
    code: "str | None" = None


class TrialReceipt(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    result: Literal['recorded', 'repeated']


class TrialScan(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    gate: "str"
    result: "str"
    note: "str" = ''
    code: "str | None" = None


class TrialScanned(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    place_id: "int"
    gate: "str"
    code: "str | None"
    result: "str"
    note: "str"
    actor_name: "str"
    at: "datetime"


class Unit(Struct, kw_only=True, omit_defaults=True):
    street: "str"
    trade: "str"
    open: "int"
    late: "int"


class VisitBatch(Struct, kw_only=True, omit_defaults=True):
    visits: "list[Any]"


class VisitQuestion(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    sentence: "Text"
    alarming: "bool" = True


class VisitReason(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    sentence: "str"
    mend: "str"
    hours: "int | None" = None


class VisitRule(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    check: "Check"
    sentence: "Text"
    mend: "Text"
    evidence: "str | None" = None
    values: "list[str]" = []
    hours: "int | None" = None
    question: "str | None" = None
    shown: Literal['ask', 'stop']
    reported: "bool" = False


class VisitSaid(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    round_id: "UUID"
    due_id: "int"
    findings: "list[str]" = []
    note: "str" = ''
    photo: "UUID | None" = None
    test: "Trial | None" = None
    visited_at: "datetime | None" = None


class Visitors(Struct, kw_only=True, omit_defaults=True):
    questions: "list[VisitQuestion]" = []
    rules: "list[VisitRule]" = []
    ask_again_days: "int" = 14


class Visits(Struct, kw_only=True, omit_defaults=True):
    visits: "list[Any]"


class Whole(Struct, kw_only=True, omit_defaults=True):
    ticket: "Ticket"
    steps: "list[alerts_tickets_queries_Step]"
    said: "dict[str, str]"


class actions_api_Nothing(Struct, kw_only=True, omit_defaults=True):
    pass


class alerts_actions_api_Handover(Struct, kw_only=True, omit_defaults=True):
    to: "UUID"
    movement_id: "int | None" = None


class alerts_expecting_Told(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    movement_id: "int"
    answer: "str"
    after_entry: "bool"
    repeated: "bool" = False


class alerts_extensions_api_Decision(Struct, kw_only=True, omit_defaults=True):
    approve: "bool"


class alerts_street_api_VisitResults(Struct, kw_only=True, omit_defaults=True):
    results: "list[alerts_street_visits_VisitResult]"


class alerts_street_rounds_Stop(Struct, kw_only=True, omit_defaults=True):
    due_id: "int"
    position: "int"
    name: "str"
    street: "str"
    trade: "str"
    address: "str"
    place_id: "int | None"
    gates: "list[str]"


class alerts_street_visits_VisitResult(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    status: Literal['recorded', 'repeated', 'conflict', 'refused']
    code: "str" = ''
    facts: "dict[str, Any] | UnsetType" = UNSET
    problems: "list[UUID]" = []


class alerts_supervision_cases_StepSaid(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    step: "str"
    ground: "str" = ''
    reason: "str" = ''
    evidence: "str" = ''
    photo: "UUID | None" = None
    passed: "bool | None" = None
    days: "int | None" = None
    look_back: "str | None" = None


class alerts_tickets_Taken(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    number: "str"
    pin: "str"
    priority: "int"
    state: "alerts_tickets_model_State"
    answer_by: "datetime"
    repeated: "bool" = False


class alerts_tickets_queries_Step(Struct, kw_only=True, omit_defaults=True):
    sequence: "int"
    event_id: "UUID"
    act: "str"
    state: "str"
    due_at: "datetime | None"
    late: "bool"
    actor: "str"
    who: "str"
    body: "dict[str, Any]"
    at: "datetime"


class checkpoint_cameras_api_Taken(Struct, kw_only=True, omit_defaults=True):
    id: "str | None"
    status: "str"
    outcome: "str | None" = None
    code: "str | None" = None
    detail: "str | None" = None


class checkpoint_gate_api_Told(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    kind: Literal['closed', 'wait', 'over']
    gate: "str" = ''
    minutes: "int | None" = None
    reason: "str" = ''
    until: "datetime | None" = None
    of: "UUID | None" = None


class closedloop_model_Stop(Struct, kw_only=True, omit_defaults=True):
    place_id: "int"
    road_minutes: "int" = 60
    limit_minutes: "int" = 120
    learned: "int" = 0
    due_at: "datetime | None" = None
    limit_no: "int" = 0
    claimed_at: "datetime | None" = None
    arrived_at: "datetime | None" = None
    level: "Level | None" = None
    confirmed_at: "datetime | None" = None
    departed_at: "datetime | None" = None
    late: "bool" = False


class closedloop_reveal_pages_RevealForm(Struct, kw_only=True, omit_defaults=True):
    reason: "str" = ''
    note: "str" = ''


class closedloop_tracing_case_view_Decision(Struct, kw_only=True, omit_defaults=True):
    approve: "bool"


class closedloop_tracing_clock_Mark(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    label: "Text"
    due_at: "datetime"
    standing: "Standing"
    minutes: "int"
    done_at: "datetime | None" = None
    name: "str" = ''


class closedloop_tracing_team_queries_Step(Struct, kw_only=True, omit_defaults=True):
    kind: "str"
    team: "str"
    name: "str"
    at: "datetime"


class closedloop_tracing_work_api_StepSaid(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    kind: "str"
    team_id: "UUID | None" = None


class closedloop_visit_answers_VisitResult(Struct, kw_only=True, omit_defaults=True):
    id: "str | None"
    status: "str"
    shown: "str | None" = None
    number: "str | None" = None
    masked_name: "str" = ''
    reasons: "list[VisitReason] | UnsetType" = UNSET
    report: "bool" = False
    code: "str | None" = None
    detail: "str | None" = None
    facts: "dict[str, Any] | UnsetType" = UNSET


class closedloop_visit_answers_VisitResults(Struct, kw_only=True, omit_defaults=True):
    results: "list[closedloop_visit_answers_VisitResult]"


class coverage_DueRow(Struct, kw_only=True, omit_defaults=True):
    id: "int"
    name: "str"
    credit_code: "str"
    district_code: "str"
    district: "str"
    street: "str"
    trade: "str"
    address: "str"
    place_id: "int | None"
    place: "str"
    matched_by: "str"
    struck_at: "datetime | None"
    source: "str"
    office: "str"
    as_of: "str"


class coverage_imports_DueRow(Struct, kw_only=True, omit_defaults=True):
    line: "int"
    status: Literal['accepted', 'changed', 'repeated', 'refused']
    code: "str" = ''
    facts: "dict[str, Any] | UnsetType" = UNSET
    place_id: "int | None" = None


class desk_rules_Asked(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    sentence: "Text"
    answers: "list[Answer]" = []


class registry_handovers_Handover(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    gate: "str"
    gave: "str"
    took: "str"
    counts: "dict[str, int]"
    unsynced: "int"
    signed_for: "str" = ''
    at: "datetime"


class registry_places_api_Decision(Struct, kw_only=True, omit_defaults=True):
    decision: "str"
    reason: "str | None" = None


class tickets_api_Nothing(Struct, kw_only=True, omit_defaults=True):
    pass


class transport_Asked(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    region: "str" = ''
    plate: "str" = ''
    goods: "str" = ''
    carrier: "str" = ''
    days: "int" = 1


class Client:
    """One caller: a device, a key, or nobody. `scenario` is for the sandbox alone."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        scenario: str | None = None,
        lang: Literal["zh", "en"] = "zh",
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        headers = {"accept-language": lang}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        if scenario is not None:
            headers["checkpoint-scenario"] = scenario
        self.http = httpx.AsyncClient(
            base_url=url.rstrip("/"), headers=headers, transport=transport
        )

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.http.aclose()

    async def _send(
        self,
        method: str,
        path: str,
        query: dict[str, Any],
        body: Any = UNSET,
        content_type: str = "application/json",
    ) -> httpx.Response:
        params = {name: _text(value) for name, value in query.items() if value is not None}
        content = None
        if isinstance(body, bytes | str):
            content = body
        elif body is not UNSET:
            content = msgspec.json.encode(body)
        headers = {} if content is None else {"content-type": content_type}
        answer = await self.http.request(
            method, path, params=params, content=content, headers=headers
        )
        if answer.is_success:
            return answer
        try:
            facts = msgspec.json.decode(answer.content)
        except msgspec.DecodeError:
            facts = {}
        wait = answer.headers.get("retry-after", "")
        raise Refused(
            answer.status_code,
            facts.get("code", ""),
            facts,
            int(wait) if wait.isdigit() else None,
        )


    async def get_passes_keys(self) -> PassKeys:
        """The public keys with which a gate checks offline passes, the newest first, as JSON Web Keys. `signs_from` may lie ahead: fetch the list daily, and a new key is there before its first pass. A key that is missing from the list is withdrawn, and its passes with it."""
        answer = await self._send("GET", f"/api/v1/passes/keys", {})
        return _read(answer, PassKeys)

    async def post_places_applications(self, body: NewApplication) -> Applied:
        """Apply for dedicated place codes: one for each gate named. Answers 409 `duplicate_place` when the place has codes already or is waiting for review, and 409 `looks_alike` with `candidates` when others are like it, unless `confirm_new` is true."""
        answer = await self._send("POST", f"/api/v1/places/applications", {}, body, "application/json")
        return _read(answer, Applied)

    async def get_places_application(self, application_id: UUID) -> Filed:
        """How an application stands, for whoever knows its id. It holds no contacts."""
        answer = await self._send("GET", f"/api/v1/places/applications/{application_id}", {})
        return _read(answer, Filed)

    async def patch_places_applications(self, application_id: UUID, body: Mending) -> Applied:
        """Mend an application that was sent back; what is left out stays as it was. The id is the applicant's secret: keep it out of messages and logs."""
        answer = await self._send("PATCH", f"/api/v1/places/applications/{application_id}", {}, body, "application/json")
        return _read(answer, Applied)

    async def post_places_applications_review(self, application_id: UUID, body: registry_places_api_Decision) -> Reviewed:
        """Approve or reject an application. A rejection needs its reason. Approval creates the place, its gates and one active code for each gate."""
        answer = await self._send("POST", f"/api/v1/places/applications/{application_id}/review", {}, body, "application/json")
        return _read(answer, Reviewed)

    async def post_places_applications_import(self, body: bytes | str, *, dry_run: bool | None = None, confirm_new: bool | None = None) -> BulkReport:
        """Applications from CSV, JSON lines or XLSX; a result for each row. A trial unless `dry_run=false`; `confirm_new` takes look-alikes as well."""
        answer = await self._send("POST", f"/api/v1/places/applications/import", {"dry_run": dry_run, "confirm_new": confirm_new}, body, "text/csv")
        return _read(answer, BulkReport)

    async def post_places_acts(self, place_id: int, body: CodeAct) -> Acted:
        """Rotate or revoke the code of a gate; suspend, resume or revoke a place. `reason` is needed and kept with who did it."""
        answer = await self._send("POST", f"/api/v1/places/{place_id}/acts", {}, body, "application/json")
        return _read(answer, Acted)

    async def get_places_test_scans(self, place_id: int) -> TestScans:
        """What the staff found at a place's codes, the newest first."""
        answer = await self._send("GET", f"/api/v1/places/{place_id}/test-scans", {})
        return _read(answer, TestScans)

    async def post_places_test_scans(self, place_id: int, body: TrialScan) -> TrialReceipt:
        """Record what was found at a gate. The same `id` again is `repeated`."""
        answer = await self._send("POST", f"/api/v1/places/{place_id}/test-scans", {}, body, "application/json")
        return _read(answer, TrialReceipt)

    async def post_coverage_import(self, body: bytes | str, *, source: str | None = None, of_office: str | None = None, as_of: str | None = None, dry_run: bool | None = None) -> CoverageReport:
        """A list of places that should have a code, as CSV or XLSX; a result for each row. A trial unless `dry_run=false`. `source` and `of_office` say whose list it is, `as_of` of which day."""
        answer = await self._send("POST", f"/api/v1/coverage/import", {"source": source, "of_office": of_office, "as_of": as_of, "dry_run": dry_run}, body, "text/csv")
        return _read(answer, CoverageReport)

    async def get_coverage_sources(self) -> Sources:
        """The lists behind the ledger: of which office, as of when, and how many rows of each count."""
        answer = await self._send("GET", f"/api/v1/coverage/sources", {})
        return _read(answer, Sources)

    async def get_coverage_row(self, due_id: int) -> DueDetail:
        """One row with its history."""
        answer = await self._send("GET", f"/api/v1/coverage/rows/{due_id}", {})
        return _read(answer, DueDetail)

    async def post_coverage_rows_acts(self, due_id: int, body: DueAct) -> DueActed:
        """Link a row to a registered place, move it to another district, name its units, strike it. The same `id` again is `repeated`."""
        answer = await self._send("POST", f"/api/v1/coverage/rows/{due_id}/acts", {}, body, "application/json")
        return _read(answer, DueActed)

    async def get_places(self, *, kind: PlaceKind | None = None) -> Directory:
        """The public directory of active places, of one kind or of all. It holds no contacts."""
        answer = await self._send("GET", f"/api/v1/places", {"kind": kind})
        return _read(answer, Directory)

    async def post_places_codes_rotate(self, place_id: int, body: Rotation) -> Rotated:
        """Replace the code of one gate. The old poster stops working at once. `reason` is needed."""
        answer = await self._send("POST", f"/api/v1/places/{place_id}/codes/rotate", {}, body, "application/json")
        return _read(answer, Rotated)

    async def post_evidence(self, kind: str, body: bytes | str, *, source: str | None = None, as_of: datetime | None = None, dry_run: bool | None = None) -> ImportReport:
        """Import evidence of one kind, as JSON lines or CSV by content type; a result for each row. `source` names who vouches for the file, `as_of` the hour up to which it is complete. With `dry_run` nothing is kept and the answer is the same. A program that pushes speaks for the source it is named after, and for no other."""
        answer = await self._send("POST", f"/api/v1/evidence/{kind}", {"source": source, "as_of": as_of, "dry_run": dry_run}, body, "text/csv")
        return _read(answer, ImportReport)

    async def get_rules(self) -> RuleSet:
        """The rule set in force: evidence, questions, rules, reasons and limits. Policy is public."""
        answer = await self._send("GET", f"/api/v1/rules", {})
        return _read(answer, RuleSet)

    async def get_places_poster_svg(self, place_id: int, *, gate: str | None = None, size: Literal['a4', 'a3'] | None = None) -> bytes:
        """The poster of one gate. Looking at it never changes the code."""
        answer = await self._send("GET", f"/api/v1/places/{place_id}/poster.svg", {"gate": gate, "size": size})
        return answer.content

    async def get_places_poster_pdf(self, place_id: int, *, gate: str | None = None, size: Literal['a4', 'a3'] | None = None) -> bytes:
        """The poster of one gate as PDF, with its fonts inside. Printing never changes the code."""
        answer = await self._send("GET", f"/api/v1/places/{place_id}/poster.pdf", {"gate": gate, "size": size})
        return answer.content

    async def post_transport_passes(self, body: transport_Asked) -> Shown:
        """Issue a pass to a truck; the same `id` is the same pass."""
        answer = await self._send("POST", f"/api/v1/transport-passes", {}, body, "application/json")
        return _read(answer, Shown)

    async def get_transport_pass(self, transport_no: str) -> Shown:
        """Whether a pass is good, and for which truck."""
        answer = await self._send("GET", f"/api/v1/transport-passes/{transport_no}", {})
        return _read(answer, Shown)

    async def post_transport_passes_revoke(self, transport_no: str, body: Revocation) -> Shown:
        """It opens nothing from now on; safe to repeat."""
        answer = await self._send("POST", f"/api/v1/transport-passes/{transport_no}/revoke", {}, body, "application/json")
        return _read(answer, Shown)

    async def post_places_lanes(self, place_id: int, body: Lanes) -> Lanes:
        """Which way each named gate leads, whom it serves, and whether trucks go first there."""
        answer = await self._send("POST", f"/api/v1/places/{place_id}/lanes", {}, body, "application/json")
        return _read(answer, Lanes)

    async def post_movements(self, body: Report) -> MovementView:
        """Report a movement before travelling. An incomplete report is kept as a draft with its failures; a complete one has a pass number."""
        answer = await self._send("POST", f"/api/v1/movements", {}, body, "application/json")
        return _read(answer, MovementView)

    async def get_movement(self, movement_id: int) -> MovementView:
        """A movement as it stands now. A firm sees its own trucks only."""
        answer = await self._send("GET", f"/api/v1/movements/{movement_id}", {})
        return _read(answer, MovementView)

    async def patch_movements(self, movement_id: int, body: Amendment) -> MovementView:
        """Change a report, up to the barrier. The driver shows the key of the pass page in the header `X-View-Key`; staff act under their own name."""
        answer = await self._send("PATCH", f"/api/v1/movements/{movement_id}", {}, body, "application/json")
        return _read(answer, MovementView)

    async def get_movements_pass_svg(self, movement_id: int) -> Any:
        """The pass to print: 24 digits and their QR code, with no personal data."""
        answer = await self._send("GET", f"/api/v1/movements/{movement_id}/pass.svg", {})
        return _read(answer, Any)

    async def get_movements_pass_pdf(self, movement_id: int, *, size: Literal['a6', '80mm'] | None = None) -> Any:
        """The pass on paper, A6 or on a roll of 80 mm, with the offline code; no personal data."""
        answer = await self._send("GET", f"/api/v1/movements/{movement_id}/pass.pdf", {"size": size})
        return _read(answer, Any)

    async def get_loops(self, *, state: str | None = None, place: int | None = None, since: datetime | None = None, plate: str | None = None, cursor: int | None = None, limit: int | None = None) -> Loops:
        """Loops in order of movement id; `state` takes several, with commas between. `overdue` and `lapsed` are read off the clock."""
        answer = await self._send("GET", f"/api/v1/loops", {"state": state, "place": place, "since": since, "plate": plate, "cursor": cursor, "limit": limit})
        return _read(answer, Loops)

    async def get_movements_history(self, movement_id: int) -> HistoryView:
        """All events of a movement in the order in which they occurred. The reading is audited."""
        answer = await self._send("GET", f"/api/v1/movements/{movement_id}/history", {})
        return _read(answer, HistoryView)

    async def get_changes(self, *, after: int | None = None, limit: int | None = None) -> Changes:
        """What has changed since a cursor, in order, each version of each loop once; of the loops that the caller may see. Begin at 0, keep `after`, and come back with it; changes are kept 30 days."""
        answer = await self._send("GET", f"/api/v1/changes", {"after": after, "limit": limit})
        return _read(answer, Changes)

    async def post_movements_people_reveal(self, movement_id: int, ordinal: int, body: closedloop_reveal_pages_RevealForm) -> Any:
        """Name, document and telephone of one person, for a reason that the person can read."""
        answer = await self._send("POST", f"/api/v1/movements/{movement_id}/people/{ordinal}/reveal", {}, body, "application/json")
        return _read(answer, Any)

    async def get_traces(self, *, before: datetime | None = None, before_id: UUID | None = None, limit: int | None = None) -> Traces:
        """Cases, the newest first. `cursor` is the `before` of the next page, `before_id` its id."""
        answer = await self._send("GET", f"/api/v1/traces", {"before": before, "before_id": before_id, "limit": limit})
        return _read(answer, Traces)

    async def post_traces(self, body: NewTrace) -> TraceView:
        """Open a case, with a number and a reason. More than a few subjects or days need a second officer."""
        answer = await self._send("POST", f"/api/v1/traces", {}, body, "application/json")
        return _read(answer, TraceView)

    async def get_trace(self, case_id: UUID) -> TraceView:
        """One case without its people. The reading is audited."""
        answer = await self._send("GET", f"/api/v1/traces/{case_id}", {})
        return _read(answer, TraceView)

    async def post_traces_decision(self, case_id: UUID, body: closedloop_tracing_case_view_Decision) -> TraceView:
        """A second officer agrees or not."""
        answer = await self._send("POST", f"/api/v1/traces/{case_id}/decision", {}, body, "application/json")
        return _read(answer, TraceView)

    async def post_traces_close(self, case_id: UUID) -> TraceView:
        """From then on nobody is shown its people."""
        answer = await self._send("POST", f"/api/v1/traces/{case_id}/close", {})
        return _read(answer, TraceView)

    async def get_traces_subjects_trajectory(self, case_id: UUID, subject_no: int) -> Any:
        """Where and when one subject was seen, and how that is known. The reading is audited."""
        answer = await self._send("GET", f"/api/v1/traces/{case_id}/subjects/{subject_no}/trajectory", {})
        return _read(answer, Any)

    async def get_traces_subjects_contacts(self, case_id: UUID, subject_no: int, *, degree: Literal['1', '2'] | None = None, cursor: str | None = None, limit: int | None = None) -> Any:
        """Who was there too, by the classes of the rule set; `degree=2`: contacts of contacts, which have no cursor. One row of the record of accesses for each who is shown."""
        answer = await self._send("GET", f"/api/v1/traces/{case_id}/subjects/{subject_no}/contacts", {"degree": degree, "cursor": cursor, "limit": limit})
        return _read(answer, Any)

    async def post_traces_marks(self, case_id: UUID, body: MarkSaid) -> TraceView:
        """A mark of the clock is done now. One that stands already stays as it was."""
        answer = await self._send("POST", f"/api/v1/traces/{case_id}/marks", {}, body, "application/json")
        return _read(answer, TraceView)

    async def get_traces_teams(self) -> Teams:
        """Teams with their members: an account's name, or the unit's."""
        answer = await self._send("GET", f"/api/v1/traces/teams", {})
        return _read(answer, Teams)

    async def post_traces_tasks(self, case_id: UUID, body: NewTask) -> Task:
        """Something for a team to do."""
        answer = await self._send("POST", f"/api/v1/traces/{case_id}/tasks", {}, body, "application/json")
        return _read(answer, Task)

    async def post_traces_tasks_steps(self, case_id: UUID, task_id: UUID, body: closedloop_tracing_work_api_StepSaid) -> Task:
        """Acknowledged, done, or handed over."""
        answer = await self._send("POST", f"/api/v1/traces/{case_id}/tasks/{task_id}/steps", {}, body, "application/json")
        return _read(answer, Task)

    async def post_traces_exports(self, case_id: UUID, body: NewExport) -> Export:
        """Ask to take the report along."""
        answer = await self._send("POST", f"/api/v1/traces/{case_id}/exports", {}, body, "application/json")
        return _read(answer, Export)

    async def post_traces_exports_decision(self, case_id: UUID, trace_export_id: UUID, body: closedloop_tracing_case_view_Decision) -> Export:
        """A second officer allows it or not."""
        answer = await self._send("POST", f"/api/v1/traces/{case_id}/exports/{trace_export_id}/decision", {}, body, "application/json")
        return _read(answer, Export)

    async def get_traces_report_csv(self, case_id: UUID) -> Any:
        """The report as a spreadsheet reads it, for the two officers who asked and allowed."""
        answer = await self._send("GET", f"/api/v1/traces/{case_id}/report.csv", {})
        return _read(answer, Any)

    async def get_traces_report_pdf(self, case_id: UUID) -> Any:
        """The report on A4, for the two officers who asked and allowed."""
        answer = await self._send("GET", f"/api/v1/traces/{case_id}/report.pdf", {})
        return _read(answer, Any)

    async def post_visits(self, body: VisitBatch) -> closedloop_visit_answers_VisitResults:
        """Visitors of the venue at which the caller's device or account stands: 1 to 500, live or uploaded later, each with its own id. One bad item never spoils the others, and every item is safe to send again."""
        answer = await self._send("POST", f"/api/v1/visits", {}, body, "application/json")
        return _read(answer, closedloop_visit_answers_VisitResults)

    async def post_scans(self, body: Batch) -> Results:
        """A batch of 1 to 500 scans, live or uploaded later, each with its own id. One bad item never spoils the others, and every item is safe to send again."""
        answer = await self._send("POST", f"/api/v1/scans", {}, body, "application/json")
        return _read(answer, Results)

    async def post_movements_events(self, movement_id: int, body: Act) -> Result:
        """One thing that happened to a movement: confirm, discrepancy, divert, delay, incident, departed, desk, void, reissue and others. Safe to send again under the same id."""
        answer = await self._send("POST", f"/api/v1/movements/{movement_id}/events", {}, body, "application/json")
        return _read(answer, Result)

    async def post_events(self, body: Acts) -> Results:
        """Many acts at once, with a result for each."""
        answer = await self._send("POST", f"/api/v1/events", {}, body, "application/json")
        return _read(answer, Results)

    async def post_gate_enrol(self, body: Enrolment) -> Enrolled:
        """A console puts its public key there, by a code of twelve digits that is good once."""
        answer = await self._send("POST", f"/api/v1/gate/enrol", {}, body, "application/json")
        return _read(answer, Enrolled)

    async def post_gate_challenge(self, body: Asking) -> Challenge:
        """A nonce to sign, good for two minutes; a device that is not known gets one as well."""
        answer = await self._send("POST", f"/api/v1/gate/challenge", {}, body, "application/json")
        return _read(answer, Challenge)

    async def post_gate_session(self, body: Opening) -> Session:
        """A token for a shift, for whoever signed the nonce with the device's key."""
        answer = await self._send("POST", f"/api/v1/gate/session", {}, body, "application/json")
        return _read(answer, Session)

    async def get_gate_bundle(self, *, since: int | None = None, waiting: int | None = None) -> Any:
        """All passes expected at the reader's checkpoint, or those that changed since a cursor: `{signed, signature, kid}`, where `signed` is JSON text. `waiting`: how many scans the device has not sent yet."""
        answer = await self._send("GET", f"/api/v1/gate/bundle", {"since": since, "waiting": waiting})
        return _read(answer, Any)

    async def get_gate_words(self) -> dict[str, Any]:
        """What a console says, in the reader's language (`?lang=`): cards, reasons, other codes."""
        answer = await self._send("GET", f"/api/v1/gate/words", {})
        return _read(answer, dict[str, Any])

    async def post_gate_handovers(self, body: registry_handovers_Handover) -> Kept:
        """The shift's counts; what was not sent yet must be signed for. Safe to send again."""
        answer = await self._send("POST", f"/api/v1/gate/handovers", {}, body, "application/json")
        return _read(answer, Kept)

    async def get_gate_notices(self) -> Notices:
        """Closures and waiting times that stand now, of one's own place or of all."""
        answer = await self._send("GET", f"/api/v1/gate/notices", {})
        return _read(answer, Notices)

    async def post_gate_notices(self, body: checkpoint_gate_api_Told) -> Notices:
        """A closure, a waiting time, or the end of one; drivers see it before they come."""
        answer = await self._send("POST", f"/api/v1/gate/notices", {}, body, "application/json")
        return _read(answer, Notices)

    async def post_camera_reads(self, body: CameraReads) -> TakenReads:
        """Plates that a camera read, with a result for each. Safe to send again under the same ids."""
        answer = await self._send("POST", f"/api/v1/camera-reads", {}, body, "application/json")
        return _read(answer, TakenReads)

    async def post_cameras_hikvision(self, key: str, body: bytes | str) -> TakenReads:
        """For cameras that push by themselves and know no header of ours: `key` is the camera's token, which opens nothing else. XML, or multipart with pictures, which are not kept."""
        answer = await self._send("POST", f"/api/v1/cameras/{key}/hikvision", {}, body, "text/csv")
        return _read(answer, TakenReads)

    async def get_holds(self) -> Holds:
        """Holds that stand, the longest first: of the whole city or one's district, of one's own checkpoint, or of those that one's own body is asked to take over."""
        answer = await self._send("GET", f"/api/v1/holds", {})
        return _read(answer, Holds)

    async def post_holds(self, body: NewHold) -> Any:
        """Hold a truck on the spot, with its source record and reason. A truck that is held already stays under its first hold, and the new source is added to it."""
        answer = await self._send("POST", f"/api/v1/holds", {}, body, "application/json")
        return _read(answer, Any)

    async def post_holds_approve(self, hold_id: UUID, body: Approval) -> Any:
        """A second person agrees; never the one who ordered it."""
        answer = await self._send("POST", f"/api/v1/holds/{hold_id}/approve", {}, body, "application/json")
        return _read(answer, Any)

    async def post_holds_release(self, hold_id: UUID, body: Release) -> Any:
        """The truck goes on, and its clock starts; a waiting appeal is thereby upheld."""
        answer = await self._send("POST", f"/api/v1/holds/{hold_id}/release", {}, body, "application/json")
        return _read(answer, Any)

    async def post_holds_transfer(self, hold_id: UUID, body: Transfer) -> Any:
        """Ask a receiving body to take over. It has done so when it says so."""
        answer = await self._send("POST", f"/api/v1/holds/{hold_id}/transfer", {}, body, "application/json")
        return _read(answer, Any)

    async def post_holds_acknowledge(self, hold_id: UUID, body: Acknowledgement) -> Any:
        """The receiving body has taken over."""
        answer = await self._send("POST", f"/api/v1/holds/{hold_id}/acknowledge", {}, body, "application/json")
        return _read(answer, Any)

    async def post_holds_appeal(self, hold_id: UUID, body: Appeal) -> Any:
        """Whoever is held says that it is wrong: with the key of the pass page in the header `X-View-Key`, or through an officer. The answer is due within the appeal's own time."""
        answer = await self._send("POST", f"/api/v1/holds/{hold_id}/appeal", {}, body, "application/json")
        return _read(answer, Any)

    async def post_holds_dismiss(self, hold_id: UUID, body: Dismissal) -> Any:
        """An appeal is answered and the hold stands: by somebody who neither ordered nor approved."""
        answer = await self._send("POST", f"/api/v1/holds/{hold_id}/dismiss", {}, body, "application/json")
        return _read(answer, Any)

    async def get_alerts(self, *, movement_id: int | None = None, is_open: bool | None = None, cursor: str | None = None, limit: int | None = None) -> Alerts:
        """Alerts in order of raising. `is_open=true` leaves out those that an arrival has ended."""
        answer = await self._send("GET", f"/api/v1/alerts", {"movement_id": movement_id, "is_open": is_open, "cursor": cursor, "limit": limit})
        return _read(answer, Alerts)

    async def get_feed(self, *, after: int | None = None, limit: int | None = None) -> Feed:
        """Everything that was sent, in order; ask again from `after`. For the whole city only: a gap in its positions would look like a message that is yet to come."""
        answer = await self._send("GET", f"/api/v1/feed", {"after": after, "limit": limit})
        return _read(answer, Feed)

    async def post_alerts_claim(self, alert_id: str, body: actions_api_Nothing) -> Claim:
        """Look after this movement for a quarter of an hour; claiming again makes it last again."""
        answer = await self._send("POST", f"/api/v1/alerts/{alert_id}/claim", {}, body, "application/json")
        return _read(answer, Claim)

    async def post_alerts_release(self, alert_id: str, body: actions_api_Nothing) -> bytes:
        """Give a claim back before it ends by itself."""
        answer = await self._send("POST", f"/api/v1/alerts/{alert_id}/release", {}, body, "application/json")
        return answer.content

    async def post_alerts_snooze(self, alert_id: str, body: Snooze) -> Snoozed:
        """Ask for it again later. The ladder goes on, and its next rung brings it back."""
        answer = await self._send("POST", f"/api/v1/alerts/{alert_id}/snooze", {}, body, "application/json")
        return _read(answer, Snoozed)

    async def post_alerts_handover(self, body: alerts_actions_api_Handover) -> HandedOver:
        """Give one's claims to a colleague at the end of a shift."""
        answer = await self._send("POST", f"/api/v1/alerts/handover", {}, body, "application/json")
        return _read(answer, HandedOver)

    async def post_alerts_reply(self, alert_id: str, body: Reply) -> Any:
        """A coded reply (1 to 9). Only 3 and 7 with a proof that an officer has seen end the enquiry; a firm's 3 is its confirmation of the arrival."""
        answer = await self._send("POST", f"/api/v1/alerts/{alert_id}/reply", {}, body, "application/json")
        return _read(answer, Any)

    async def post_alerts_call(self, alert_id: str, body: Call) -> Any:
        """A call that was made, with its result; the result counts as a reply."""
        answer = await self._send("POST", f"/api/v1/alerts/{alert_id}/call", {}, body, "application/json")
        return _read(answer, Any)

    async def post_alerts_close(self, alert_id: str, body: Close) -> Any:
        """End a movement by hand: one officer proposes with reason and proof, another approves."""
        answer = await self._send("POST", f"/api/v1/alerts/{alert_id}/close", {}, body, "application/json")
        return _read(answer, Any)

    async def post_alerts_same_truck(self, alert_id: str, body: SameTruck) -> Any:
        """The missing truck is one that arrived under a plate misread by one character."""
        answer = await self._send("POST", f"/api/v1/alerts/{alert_id}/same-truck", {}, body, "application/json")
        return _read(answer, Any)

    async def get_extensions(self) -> Extensions:
        """Those that wait first, then those of a week."""
        answer = await self._send("GET", f"/api/v1/extensions", {})
        return _read(answer, Extensions)

    async def post_extensions(self, body: NewExtension) -> Extension:
        """A road is closed or a site is down: propose more time for all trucks under way there."""
        answer = await self._send("POST", f"/api/v1/extensions", {}, body, "application/json")
        return _read(answer, Extension)

    async def post_extensions_decision(self, extension_id: UUID, body: alerts_extensions_api_Decision) -> Extension:
        """A second officer agrees or not. The limits move within seconds."""
        answer = await self._send("POST", f"/api/v1/extensions/{extension_id}/decision", {}, body, "application/json")
        return _read(answer, Extension)

    async def post_movements_photos(self, movement_id: int, body: PhotoSent) -> PhotoKept:
        """A photo beside a movement, in base64; a firm's own trucks only. The same id again is `repeated`."""
        answer = await self._send("POST", f"/api/v1/movements/{movement_id}/photos", {}, body, "application/json")
        return _read(answer, PhotoKept)

    async def get_coverage(self, *, district: str | None = None) -> Figures:
        """How many places should have a code, have one, use it and were scanned today; whole, by district, by street office and by trade."""
        answer = await self._send("GET", f"/api/v1/coverage", {"district": district})
        return _read(answer, Figures)

    async def get_coverage_rows(self, *, what: str | None = None, district: str | None = None, street: str | None = None, trade: str | None = None, cursor: int | None = None, limit: int | None = None) -> Rows:
        """The rows behind a number: `what` is due, set_up, missing, in_use, today or idle."""
        answer = await self._send("GET", f"/api/v1/coverage/rows", {"what": what, "district": district, "street": street, "trade": trade, "cursor": cursor, "limit": limit})
        return _read(answer, Rows)

    async def get_supervision_flags(self) -> Missed:
        """What should have been done and was not: checks of the day, looks back, mendings."""
        answer = await self._send("GET", f"/api/v1/supervision/flags", {})
        return _read(answer, Missed)

    async def post_supervision_cases(self, body: NewCase) -> Receipt:
        """Put a place on a ladder of the rule set. The same `step.id` again is `repeated`."""
        answer = await self._send("POST", f"/api/v1/supervision/cases", {}, body, "application/json")
        return _read(answer, Receipt)

    async def post_supervision_cases_steps(self, oversight_id: UUID, body: alerts_supervision_cases_StepSaid) -> Receipt:
        """Take a step of the ladder. A step that may not be taken is 409, with why."""
        answer = await self._send("POST", f"/api/v1/supervision/cases/{oversight_id}/steps", {}, body, "application/json")
        return _read(answer, Receipt)

    async def get_supervision_problems(self, *, which: str | None = None, street: str | None = None, trade: str | None = None, after: str | None = None, limit: int | None = None) -> Problems:
        """Problems by deadline; `which` is open, late (open and overdue), mended or closed."""
        answer = await self._send("GET", f"/api/v1/supervision/problems", {"which": which, "street": street, "trade": trade, "after": after, "limit": limit})
        return _read(answer, Problems)

    async def post_supervision_problems(self, body: NewProblem) -> ProblemReceipt:
        """Enter a problem. One that is open for the same finding there is given back."""
        answer = await self._send("POST", f"/api/v1/supervision/problems", {}, body, "application/json")
        return _read(answer, ProblemReceipt)

    async def post_supervision_problems_acts(self, problem_id: UUID, body: ProblemAct) -> ProblemReceipt:
        """`mend`, `send_back`, `close` or `reopen`. Of two who close one, the second gets 409 with who was first."""
        answer = await self._send("POST", f"/api/v1/supervision/problems/{problem_id}/acts", {}, body, "application/json")
        return _read(answer, ProblemReceipt)

    async def get_supervision_report(self, *, day: str | None = None, version: int | None = None) -> Frozen:
        """A day's report, tally and bulletin. Version 0 is today, which moves; others are frozen."""
        answer = await self._send("GET", f"/api/v1/supervision/report", {"day": day, "version": version})
        return _read(answer, Frozen)

    async def post_supervision_rounds(self, body: NewRound) -> Round:
        """A street sweep: places dealt out to teams."""
        answer = await self._send("POST", f"/api/v1/supervision/rounds", {}, body, "application/json")
        return _read(answer, Round)

    async def get_supervision_rounds_team(self, round_id: UUID, team: int, *, limit: int | None = None) -> Stops:
        """A team's next places, in the order of its way."""
        answer = await self._send("GET", f"/api/v1/supervision/rounds/{round_id}/teams/{team}", {"limit": limit})
        return _read(answer, Stops)

    async def post_supervision_visits(self, body: Visits) -> alerts_street_api_VisitResults:
        """What teams found, live or uploaded later; a result for each, and a bad one spoils none."""
        answer = await self._send("POST", f"/api/v1/supervision/visits", {}, body, "application/json")
        return _read(answer, alerts_street_api_VisitResults)

    async def get_tickets(self, *, kind: Kind | None = None, step: alerts_tickets_model_State | None = None, skip: int | None = None, limit: int | None = None) -> Tickets:
        """Open work items that the caller may see: late steps first, then by urgency and age. `step`: received, pushed, replied or reviewed."""
        answer = await self._send("GET", f"/api/v1/tickets", {"kind": kind, "step": step, "skip": skip, "limit": limit})
        return _read(answer, Tickets)

    async def post_tickets(self, body: NewItem) -> alerts_tickets_Taken:
        """Take a work item in, from the telephone or another system. The same id is one for ever."""
        answer = await self._send("POST", f"/api/v1/tickets", {}, body, "application/json")
        return _read(answer, alerts_tickets_Taken)

    async def get_ticket(self, ticket_id: UUID) -> Whole:
        """One item with its history and what was said. Reading it leaves an audit row."""
        answer = await self._send("GET", f"/api/v1/tickets/{ticket_id}", {})
        return _read(answer, Whole)

    async def post_tickets_acts(self, ticket_id: UUID, body: Doing) -> Done:
        """Push, reply, send back, accept, reject, answer, call, close, reopen, rate, link or note. With `version` it is refused (409 `ticket_changed`) where somebody else came first."""
        answer = await self._send("POST", f"/api/v1/tickets/{ticket_id}/acts", {}, body, "application/json")
        return _read(answer, Done)

    async def post_tickets_claim(self, ticket_id: UUID, body: tickets_api_Nothing) -> Claimed:
        """Have it in hand for a quarter of an hour; claiming again makes it last again."""
        answer = await self._send("POST", f"/api/v1/tickets/{ticket_id}/claim", {}, body, "application/json")
        return _read(answer, Claimed)

    async def post_help_requests(self, body: NewTicket) -> alerts_tickets_Taken:
        """Ask for help. It is always taken: the number and the digits open it at /complaints/own."""
        answer = await self._send("POST", f"/api/v1/help-requests", {}, body, "application/json")
        return _read(answer, alerts_tickets_Taken)

    async def post_complaints(self, body: NewTicket) -> alerts_tickets_Taken:
        """Complain, with or without a telephone. The number and the digits open it again."""
        answer = await self._send("POST", f"/api/v1/complaints", {}, body, "application/json")
        return _read(answer, alerts_tickets_Taken)

    async def get_expectations(self) -> Expectations:
        """Trucks with a pass for the caller's firm or district, and what was answered."""
        answer = await self._send("GET", f"/api/v1/expectations", {})
        return _read(answer, Expectations)

    async def post_expectations_answer(self, movement_id: int, body: Expected) -> alerts_expecting_Told:
        """Is this truck expected? `yes`, `no`, `not_us` or `later`; kept whenever it comes."""
        answer = await self._send("POST", f"/api/v1/expectations/{movement_id}/answer", {}, body, "application/json")
        return _read(answer, alerts_expecting_Told)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _read(answer: httpx.Response, kind: type[T]) -> T:
    return msgspec.json.decode(answer.content, type=kind)
