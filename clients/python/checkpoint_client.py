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


About = Literal["person", "vehicle", "area"]

Card = Literal["green", "yellow", "white", "red", "duplicate", "wrong_code"]

Check = Literal[
    "not_reported",
    "incomplete",
    "withdrawn",
    "used",
    "outside_window",
    "plate_differs",
    "declared",
    "evidence_is",
    "evidence_missing",
    "evidence_older",
    "source_stale",
    "in_area",
]

Does = Literal["remind", "flag", "enquire", "call", "watch", "trace", "refer"]

Level = Literal["A", "B", "C"]

Mode = Literal["list", "record"]

PlaceKind = Literal["checkpoint", "destination", "venue"]

State = Literal[
    "draft",
    "issued",
    "presented",
    "verifying",
    "turned_back",
    "held",
    "transferred",
    "released",
    "incident",
    "overdue",
    "enquiry",
    "arrived",
    "discrepancy",
    "confirmed",
    "exit_pending",
    "discharged",
    "closed_by_officer",
    "referred",
    "lapsed",
    "voided",
    "cancelled",
]

Tells = Literal["driver", "firm", "duty", "grid", "police", "tracers"]

Turn = Literal["rotate_code", "revoke_code", "suspend", "resume", "revoke"]


class Acknowledgement(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    reference: "str"


class Act(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    kind: "str"
    occurred_at: "datetime | None" = None
    place_id: "int | None" = None
    reason: "str" = ""
    note: "str" = ""
    minutes: "int | None" = None
    code: "int | None" = None
    proof: "str" = ""
    outcome: "str" = ""
    source: "str" = ""
    second_approver: "str" = ""
    hold_id: "UUID | None" = None
    person: "int | None" = None


class Acted(Struct, kw_only=True, omit_defaults=True):
    place_id: "int"
    status: "str"
    gate: "str" = ""
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


class Appeal(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    grounds: "str"
    note: "str" = ""


class ApplicationRow(Struct, kw_only=True, omit_defaults=True):
    line: "int"
    status: Literal["accepted", "repeated", "lookalike", "refused"]
    code: "str" = ""
    facts: "dict[str, Any] | UnsetType" = UNSET


class Applied(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    state: "str"


class Approval(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    note: "str" = ""


class Asked(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    region: "str" = ""
    plate: "str" = ""
    goods: "str" = ""
    carrier: "str" = ""
    days: "int" = 1


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
    proof: "str" = ""
    answers: "dict[str, str] | UnsetType" = UNSET
    note: "str" = ""


class CameraRead(Struct, kw_only=True, omit_defaults=True):
    """`id` is the camera's own, for ever; `offline`: it could not be sent when it was taken; `picture` says where the camera keeps its picture."""

    id: "str"
    plate: "str"
    confidence: "float"
    taken_at: "str"
    gate: "str" = ""
    picture: "str" = ""
    offline: "bool" = False


class CameraReads(Struct, kw_only=True, omit_defaults=True):
    reads: "list[CameraRead]"


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


class Close(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    decision: "str" = "propose"
    reason: "str" = ""
    proof: "str" = ""


class Closing(Struct, kw_only=True, omit_defaults=True):
    by: "str"
    at: "datetime"
    reason: "str"
    proof: "str" = ""


class CodeAct(Struct, kw_only=True, omit_defaults=True):
    act: "Turn"
    reason: "str" = ""
    gate: "str" = ""
    until: "datetime | None" = None


class Companion(Struct, kw_only=True, omit_defaults=True):
    name: "str" = ""
    id_type: "str" = "resident"
    id_number: "str" = ""
    phone: "str" = ""
    declared: "dict[str, bool] | UnsetType" = UNSET


class DeviceClock(Struct, kw_only=True, omit_defaults=True):
    """`monotonic`: ms since the device started; `offset`: ms to add to its time, as last known."""

    monotonic: "int" = 0
    offset: "int" = 0


class Directory(Struct, kw_only=True, omit_defaults=True):
    places: "list[Listing]"


class Dismissal(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    reason: "str"
    note: "str" = ""


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


class Extension(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    place_id: "int"
    side: Literal["to", "from"]
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


class Filed(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    kind: "PlaceKind"
    category: "str"
    name: "str"
    district_code: "str"
    district: "str"
    address: "str"
    gates: "list[str]"
    state: Literal["pending", "approved", "rejected"]
    reason: "str | None"
    applied_at: "datetime"
    mended_at: "datetime | None"
    place_id: "int | None"


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
    approved_by: "str" = ""
    approved_at: "datetime | None" = None
    receiver_id: "int | None" = None
    asked_at: "datetime | None" = None
    grounds: "str" = ""
    appealed_at: "datetime | None" = None
    appeal_due: "datetime | None" = None
    dismissed_for: "str" = ""
    dismissed_at: "datetime | None" = None
    ended_at: "datetime | None" = None
    ended_by: "str" = ""
    ended_for: "str" = ""


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
    direction: Literal["in", "out", "both"] = "both"
    serves: Literal["all", "trucks", "cars"] = "all"
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
    state: "State | UnsetType" = UNSET
    attempt: "int" = 0
    stops: "list[Stop]" = []
    failures: "list[Failure]" = []
    window_to: "datetime | None" = None
    expected_exit_at: "datetime | None" = None
    entry_place_id: "int | None" = None
    entry_gate: "str" = ""
    carded_at: "datetime | None" = None
    last_card: "Card | None" = None
    passed_lane: "str" = ""
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
    void_reason: "str" = ""
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


class Mending(Struct, kw_only=True, omit_defaults=True):
    kind: "str | UnsetType" = UNSET
    category: "str | UnsetType" = UNSET
    name: "str | UnsetType" = UNSET
    district: "str | UnsetType" = UNSET
    address: "str | UnsetType" = UNSET
    gates: "list[str] | UnsetType" = UNSET
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


class MovementAct(Struct, kw_only=True, omit_defaults=True):
    """An act in a batch names its movement."""

    id: "UUID"
    kind: "str"
    occurred_at: "str | None" = None
    place_id: "int | None" = None
    reason: "str" = ""
    note: "str" = ""
    minutes: "int | None" = None
    code: "int | None" = None
    proof: "str" = ""
    outcome: "str" = ""
    source: "str" = ""
    second_approver: "str" = ""
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


class Needed(Struct, kw_only=True, omit_defaults=True):
    evidence: "str"
    values: "list[str]"


class NewApplication(Struct, kw_only=True, omit_defaults=True):
    kind: "str" = ""
    category: "str" = ""
    name: "str" = ""
    district: "str" = ""
    address: "str" = ""
    gates: "list[str]" = []
    contact_name: "str" = ""
    contact_phone: "str" = ""
    confirm_new: "bool" = False


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


class Nothing(Struct, kw_only=True, omit_defaults=True):
    pass


class Notice(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    place_id: "int"
    gate: "str"
    kind: Literal["closed", "wait"]
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


class Override(Struct, kw_only=True, omit_defaults=True):
    reason: "str"


class PassKeys(Struct, kw_only=True, omit_defaults=True):
    keys: "list[PublishedKey]"


class Place(Struct, kw_only=True, omit_defaults=True):
    id: "int"
    name: "str"
    gates: "list[str]"


class Priority(Struct, kw_only=True, omit_defaults=True):
    sentence: "Text"
    proofs: "list[Needed]"
    goods: "list[str]" = []
    issued: "str" = ""
    most_days: "int" = 30


class Problem(Struct, kw_only=True, omit_defaults=True):
    """What every refusal is told as (RFC 9457). Decide by `code`; facts stand beside it."""

    type: "str"
    title: "str"
    status: "int"
    code: "str"
    detail: "str"
    detail_other: "str"


class PublicKey(Struct, kw_only=True, omit_defaults=True):
    x: "str"
    y: "str"


class PublishedKey(Struct, kw_only=True, omit_defaults=True):
    kid: "int"
    kty: "str" = "EC"
    crv: "str" = "P-256"
    alg: "str" = "ES256"
    use: "str" = "sig"
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


class Release(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    reason: "str"
    proof: "str" = ""


class Reply(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    code: "int"
    minutes: "int | None" = None
    place_id: "int | None" = None
    proof: "str" = ""
    note: "str" = ""


class Report(Struct, kw_only=True, omit_defaults=True):
    name: "str" = ""
    id_type: "str" = "resident"
    id_number: "str" = ""
    phone: "str" = ""
    plate: "str" = ""
    trailer_plate: "str" = ""
    origin: "str" = ""
    entry_place_id: "int | None" = None
    expected_entry_at: "datetime | None" = None
    expected_exit_at: "datetime | None" = None
    declared: "dict[str, bool] | UnsetType" = UNSET
    stops: "list[int]" = []
    crew: "list[Companion]" = []
    goods: "str" = ""
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
    state: Literal["approved", "rejected"]
    place_id: "int | None" = None


class Revocation(Struct, kw_only=True, omit_defaults=True):
    reason: "str"


class Rotated(Struct, kw_only=True, omit_defaults=True):
    gate: "str"
    code: "str"
    url: "str"


class Rotation(Struct, kw_only=True, omit_defaults=True):
    gate: "str"
    reason: "str" = ""


class RowResult(Struct, kw_only=True, omit_defaults=True):
    line: "int"
    status: Literal["accepted", "repeated", "refused"]
    code: "str" = ""
    facts: "dict[str, Any] | UnsetType" = UNSET


class Rule(Struct, kw_only=True, omit_defaults=True):
    code: "str"
    card: "Card"
    check: "Check"
    sentence: "Text"
    mend: "Text"
    evidence: "str | None" = None
    values: "list[str]" = []
    hours: "int | None" = None
    question: "str | None" = None


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
    call_questions: "list[Question]" = []
    exit_scan: "bool" = False
    claim_closes: "bool" = False
    spoken: "str" = ""
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
    pass_number: "str" = ""
    plate: "str" = ""
    gate: "str" = ""
    device: "str" = ""
    sequence: "int | None" = None
    clock: "DeviceClock | UnsetType" = UNSET
    offline: "bool" = False
    plate_seen: "str" = ""
    code: "str" = ""
    card_shown: "str" = ""
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


class Stop(Struct, kw_only=True, omit_defaults=True):
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


class Taken(Struct, kw_only=True, omit_defaults=True):
    id: "str | None"
    status: "str"
    outcome: "str | None" = None
    code: "str | None" = None
    detail: "str | None" = None


class TakenReads(Struct, kw_only=True, omit_defaults=True):
    results: "list[Taken]"


class TestScans(Struct, kw_only=True, omit_defaults=True):
    test_scans: "list[TrialScanned]"


class Text(Struct, kw_only=True, omit_defaults=True):
    zh: "str"
    en: "str"


class Told(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    kind: Literal["closed", "wait", "over"]
    gate: "str" = ""
    minutes: "int | None" = None
    reason: "str" = ""
    until: "datetime | None" = None
    of: "UUID | None" = None


class Transfer(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    place_id: "int"


class TrialReceipt(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    result: Literal["recorded", "repeated"]


class TrialScan(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    gate: "str"
    result: "str"
    note: "str" = ""
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


class alerts_actions_api_Handover(Struct, kw_only=True, omit_defaults=True):
    to: "UUID"
    movement_id: "int | None" = None


class alerts_extensions_api_Decision(Struct, kw_only=True, omit_defaults=True):
    approve: "bool"


class closedloop_reveal_pages_RevealForm(Struct, kw_only=True, omit_defaults=True):
    reason: "str" = ""
    note: "str" = ""


class registry_handovers_Handover(Struct, kw_only=True, omit_defaults=True):
    id: "UUID"
    gate: "str"
    gave: "str"
    took: "str"
    counts: "dict[str, int]"
    unsynced: "int"
    signed_for: "str" = ""
    at: "datetime"


class registry_places_api_Decision(Struct, kw_only=True, omit_defaults=True):
    decision: "str"
    reason: "str | None" = None


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
        answer = await self._send(
            "POST", f"/api/v1/places/applications", {}, body, "application/json"
        )
        return _read(answer, Applied)

    async def get_places_applications(self, application_id: UUID) -> Filed:
        """How an application stands, for whoever knows its id. It holds no contacts."""
        answer = await self._send("GET", f"/api/v1/places/applications/{application_id}", {})
        return _read(answer, Filed)

    async def patch_places_applications(self, application_id: UUID, body: Mending) -> Applied:
        """Mend an application that was sent back; what is left out stays as it was. The id is the applicant's secret: keep it out of messages and logs."""
        answer = await self._send(
            "PATCH", f"/api/v1/places/applications/{application_id}", {}, body, "application/json"
        )
        return _read(answer, Applied)

    async def post_places_applications_review(
        self, application_id: UUID, body: registry_places_api_Decision
    ) -> Reviewed:
        """Approve or reject an application. A rejection needs its reason. Approval creates the place, its gates and one active code for each gate."""
        answer = await self._send(
            "POST",
            f"/api/v1/places/applications/{application_id}/review",
            {},
            body,
            "application/json",
        )
        return _read(answer, Reviewed)

    async def post_places_applications_import(
        self, body: bytes | str, *, dry_run: bool | None = None, confirm_new: bool | None = None
    ) -> BulkReport:
        """Applications from CSV, JSON lines or XLSX; a result for each row. A trial unless `dry_run=false`; `confirm_new` takes look-alikes as well."""
        answer = await self._send(
            "POST",
            f"/api/v1/places/applications/import",
            {"dry_run": dry_run, "confirm_new": confirm_new},
            body,
            "text/csv",
        )
        return _read(answer, BulkReport)

    async def post_places_acts(self, place_id: int, body: CodeAct) -> Acted:
        """Rotate or revoke the code of a gate; suspend, resume or revoke a place. `reason` is needed and kept with who did it."""
        answer = await self._send(
            "POST", f"/api/v1/places/{place_id}/acts", {}, body, "application/json"
        )
        return _read(answer, Acted)

    async def get_places_test_scans(self, place_id: int) -> TestScans:
        """What the staff found at a place's codes, the newest first."""
        answer = await self._send("GET", f"/api/v1/places/{place_id}/test-scans", {})
        return _read(answer, TestScans)

    async def post_places_test_scans(self, place_id: int, body: TrialScan) -> TrialReceipt:
        """Record what was found at a gate. The same `id` again is `repeated`."""
        answer = await self._send(
            "POST", f"/api/v1/places/{place_id}/test-scans", {}, body, "application/json"
        )
        return _read(answer, TrialReceipt)

    async def get_places(self, *, kind: PlaceKind | None = None) -> Directory:
        """The public directory of active places, of one kind or of all. It holds no contacts."""
        answer = await self._send("GET", f"/api/v1/places", {"kind": kind})
        return _read(answer, Directory)

    async def post_places_codes_rotate(self, place_id: int, body: Rotation) -> Rotated:
        """Replace the code of one gate. The old poster stops working at once. `reason` is needed."""
        answer = await self._send(
            "POST", f"/api/v1/places/{place_id}/codes/rotate", {}, body, "application/json"
        )
        return _read(answer, Rotated)

    async def post_evidence(
        self,
        kind: str,
        body: bytes | str,
        *,
        source: str | None = None,
        as_of: datetime | None = None,
        dry_run: bool | None = None,
    ) -> ImportReport:
        """Import evidence of one kind, as JSON lines or CSV by content type; a result for each row. `source` names who vouches for the file, `as_of` the hour up to which it is complete. With `dry_run` nothing is kept and the answer is the same. A program that pushes speaks for the source it is named after, and for no other."""
        answer = await self._send(
            "POST",
            f"/api/v1/evidence/{kind}",
            {"source": source, "as_of": as_of, "dry_run": dry_run},
            body,
            "text/csv",
        )
        return _read(answer, ImportReport)

    async def get_rules(self) -> RuleSet:
        """The rule set in force: evidence, questions, rules, reasons and limits. Policy is public."""
        answer = await self._send("GET", f"/api/v1/rules", {})
        return _read(answer, RuleSet)

    async def get_places_poster_svg(
        self, place_id: int, *, gate: str | None = None, size: Literal["a4", "a3"] | None = None
    ) -> bytes:
        """The poster of one gate. Looking at it never changes the code."""
        answer = await self._send(
            "GET", f"/api/v1/places/{place_id}/poster.svg", {"gate": gate, "size": size}
        )
        return answer.content

    async def get_places_poster_pdf(
        self, place_id: int, *, gate: str | None = None, size: Literal["a4", "a3"] | None = None
    ) -> bytes:
        """The poster of one gate as PDF, with its fonts inside. Printing never changes the code."""
        answer = await self._send(
            "GET", f"/api/v1/places/{place_id}/poster.pdf", {"gate": gate, "size": size}
        )
        return answer.content

    async def post_transport_passes(self, body: Asked) -> Shown:
        """Issue a pass to a truck; the same `id` is the same pass."""
        answer = await self._send("POST", f"/api/v1/transport-passes", {}, body, "application/json")
        return _read(answer, Shown)

    async def get_transport_passes(self, transport_no: str) -> Shown:
        """Whether a pass is good, and for which truck."""
        answer = await self._send("GET", f"/api/v1/transport-passes/{transport_no}", {})
        return _read(answer, Shown)

    async def post_transport_passes_revoke(self, transport_no: str, body: Revocation) -> Shown:
        """It opens nothing from now on; safe to repeat."""
        answer = await self._send(
            "POST", f"/api/v1/transport-passes/{transport_no}/revoke", {}, body, "application/json"
        )
        return _read(answer, Shown)

    async def post_places_lanes(self, place_id: int, body: Lanes) -> Lanes:
        """Which way each named gate leads, whom it serves, and whether trucks go first there."""
        answer = await self._send(
            "POST", f"/api/v1/places/{place_id}/lanes", {}, body, "application/json"
        )
        return _read(answer, Lanes)

    async def post_movements(self, body: Report) -> MovementView:
        """Report a movement before travelling. An incomplete report is kept as a draft with its failures; a complete one has a pass number."""
        answer = await self._send("POST", f"/api/v1/movements", {}, body, "application/json")
        return _read(answer, MovementView)

    async def get_movements(self, movement_id: int) -> MovementView:
        """A movement as it stands now. A firm sees its own trucks only."""
        answer = await self._send("GET", f"/api/v1/movements/{movement_id}", {})
        return _read(answer, MovementView)

    async def patch_movements(self, movement_id: int, body: Amendment) -> MovementView:
        """Change a report, up to the barrier. The driver shows the key of the pass page in the header `X-View-Key`; staff act under their own name."""
        answer = await self._send(
            "PATCH", f"/api/v1/movements/{movement_id}", {}, body, "application/json"
        )
        return _read(answer, MovementView)

    async def get_movements_pass_svg(self, movement_id: int) -> Any:
        """The pass to print: 24 digits and their QR code, with no personal data."""
        answer = await self._send("GET", f"/api/v1/movements/{movement_id}/pass.svg", {})
        return _read(answer, Any)

    async def get_movements_pass_pdf(
        self, movement_id: int, *, size: Literal["a6", "80mm"] | None = None
    ) -> Any:
        """The pass on paper, A6 or on a roll of 80 mm, with the offline code; no personal data."""
        answer = await self._send(
            "GET", f"/api/v1/movements/{movement_id}/pass.pdf", {"size": size}
        )
        return _read(answer, Any)

    async def get_loops(
        self,
        *,
        state: str | None = None,
        place: int | None = None,
        since: datetime | None = None,
        plate: str | None = None,
        cursor: int | None = None,
        limit: int | None = None,
    ) -> Loops:
        """Loops in order of movement id; `state` takes several, with commas between. `overdue` and `lapsed` are read off the clock."""
        answer = await self._send(
            "GET",
            f"/api/v1/loops",
            {
                "state": state,
                "place": place,
                "since": since,
                "plate": plate,
                "cursor": cursor,
                "limit": limit,
            },
        )
        return _read(answer, Loops)

    async def get_movements_history(self, movement_id: int) -> HistoryView:
        """All events of a movement in the order in which they occurred. The reading is audited."""
        answer = await self._send("GET", f"/api/v1/movements/{movement_id}/history", {})
        return _read(answer, HistoryView)

    async def get_changes(self, *, after: int | None = None, limit: int | None = None) -> Changes:
        """What has changed since a cursor, in order, each version of each loop once; of the loops that the caller may see. Begin at 0, keep `after`, and come back with it; changes are kept 30 days."""
        answer = await self._send("GET", f"/api/v1/changes", {"after": after, "limit": limit})
        return _read(answer, Changes)

    async def post_movements_people_reveal(
        self, movement_id: int, ordinal: int, body: closedloop_reveal_pages_RevealForm
    ) -> Any:
        """Name, document and telephone of one person, for a reason that the person can read."""
        answer = await self._send(
            "POST",
            f"/api/v1/movements/{movement_id}/people/{ordinal}/reveal",
            {},
            body,
            "application/json",
        )
        return _read(answer, Any)

    async def post_scans(self, body: Batch) -> Results:
        """A batch of 1 to 500 scans, live or uploaded later, each with its own id. One bad item never spoils the others, and every item is safe to send again."""
        answer = await self._send("POST", f"/api/v1/scans", {}, body, "application/json")
        return _read(answer, Results)

    async def post_movements_events(self, movement_id: int, body: Act) -> Result:
        """One thing that happened to a movement: confirm, discrepancy, divert, delay, incident, departed, desk, void, reissue and others. Safe to send again under the same id."""
        answer = await self._send(
            "POST", f"/api/v1/movements/{movement_id}/events", {}, body, "application/json"
        )
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
        answer = await self._send(
            "GET", f"/api/v1/gate/bundle", {"since": since, "waiting": waiting}
        )
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

    async def post_gate_notices(self, body: Told) -> Notices:
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
        answer = await self._send(
            "POST", f"/api/v1/holds/{hold_id}/approve", {}, body, "application/json"
        )
        return _read(answer, Any)

    async def post_holds_release(self, hold_id: UUID, body: Release) -> Any:
        """The truck goes on, and its clock starts; a waiting appeal is thereby upheld."""
        answer = await self._send(
            "POST", f"/api/v1/holds/{hold_id}/release", {}, body, "application/json"
        )
        return _read(answer, Any)

    async def post_holds_transfer(self, hold_id: UUID, body: Transfer) -> Any:
        """Ask a receiving body to take over. It has done so when it says so."""
        answer = await self._send(
            "POST", f"/api/v1/holds/{hold_id}/transfer", {}, body, "application/json"
        )
        return _read(answer, Any)

    async def post_holds_acknowledge(self, hold_id: UUID, body: Acknowledgement) -> Any:
        """The receiving body has taken over."""
        answer = await self._send(
            "POST", f"/api/v1/holds/{hold_id}/acknowledge", {}, body, "application/json"
        )
        return _read(answer, Any)

    async def post_holds_appeal(self, hold_id: UUID, body: Appeal) -> Any:
        """Whoever is held says that it is wrong: with the key of the pass page in the header `X-View-Key`, or through an officer. The answer is due within the appeal's own time."""
        answer = await self._send(
            "POST", f"/api/v1/holds/{hold_id}/appeal", {}, body, "application/json"
        )
        return _read(answer, Any)

    async def post_holds_dismiss(self, hold_id: UUID, body: Dismissal) -> Any:
        """An appeal is answered and the hold stands: by somebody who neither ordered nor approved."""
        answer = await self._send(
            "POST", f"/api/v1/holds/{hold_id}/dismiss", {}, body, "application/json"
        )
        return _read(answer, Any)

    async def get_alerts(
        self,
        *,
        movement_id: int | None = None,
        is_open: bool | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Alerts:
        """Alerts in order of raising. `is_open=true` leaves out those that an arrival has ended."""
        answer = await self._send(
            "GET",
            f"/api/v1/alerts",
            {"movement_id": movement_id, "is_open": is_open, "cursor": cursor, "limit": limit},
        )
        return _read(answer, Alerts)

    async def get_feed(self, *, after: int | None = None, limit: int | None = None) -> Feed:
        """Everything that was sent, in order; ask again from `after`. For the whole city only: a gap in its positions would look like a message that is yet to come."""
        answer = await self._send("GET", f"/api/v1/feed", {"after": after, "limit": limit})
        return _read(answer, Feed)

    async def post_alerts_claim(self, alert_id: str, body: Nothing) -> Claim:
        """Look after this movement for a quarter of an hour; claiming again makes it last again."""
        answer = await self._send(
            "POST", f"/api/v1/alerts/{alert_id}/claim", {}, body, "application/json"
        )
        return _read(answer, Claim)

    async def post_alerts_release(self, alert_id: str, body: Nothing) -> bytes:
        """Give a claim back before it ends by itself."""
        answer = await self._send(
            "POST", f"/api/v1/alerts/{alert_id}/release", {}, body, "application/json"
        )
        return answer.content

    async def post_alerts_snooze(self, alert_id: str, body: Snooze) -> Snoozed:
        """Ask for it again later. The ladder goes on, and its next rung brings it back."""
        answer = await self._send(
            "POST", f"/api/v1/alerts/{alert_id}/snooze", {}, body, "application/json"
        )
        return _read(answer, Snoozed)

    async def post_alerts_handover(self, body: alerts_actions_api_Handover) -> HandedOver:
        """Give one's claims to a colleague at the end of a shift."""
        answer = await self._send("POST", f"/api/v1/alerts/handover", {}, body, "application/json")
        return _read(answer, HandedOver)

    async def post_alerts_reply(self, alert_id: str, body: Reply) -> Any:
        """A coded reply (1 to 9). Only 3 and 7 with a proof that an officer has seen end the enquiry; a firm's 3 is its confirmation of the arrival."""
        answer = await self._send(
            "POST", f"/api/v1/alerts/{alert_id}/reply", {}, body, "application/json"
        )
        return _read(answer, Any)

    async def post_alerts_call(self, alert_id: str, body: Call) -> Any:
        """A call that was made, with its result; the result counts as a reply."""
        answer = await self._send(
            "POST", f"/api/v1/alerts/{alert_id}/call", {}, body, "application/json"
        )
        return _read(answer, Any)

    async def post_alerts_close(self, alert_id: str, body: Close) -> Any:
        """End a movement by hand: one officer proposes with reason and proof, another approves."""
        answer = await self._send(
            "POST", f"/api/v1/alerts/{alert_id}/close", {}, body, "application/json"
        )
        return _read(answer, Any)

    async def post_alerts_same_truck(self, alert_id: str, body: SameTruck) -> Any:
        """The missing truck is one that arrived under a plate misread by one character."""
        answer = await self._send(
            "POST", f"/api/v1/alerts/{alert_id}/same-truck", {}, body, "application/json"
        )
        return _read(answer, Any)

    async def get_extensions(self) -> Extensions:
        """Those that wait first, then those of a week."""
        answer = await self._send("GET", f"/api/v1/extensions", {})
        return _read(answer, Extensions)

    async def post_extensions(self, body: NewExtension) -> Extension:
        """A road is closed or a site is down: propose more time for all trucks under way there."""
        answer = await self._send("POST", f"/api/v1/extensions", {}, body, "application/json")
        return _read(answer, Extension)

    async def post_extensions_decision(
        self, extension_id: UUID, body: alerts_extensions_api_Decision
    ) -> Extension:
        """A second officer agrees or not. The limits move within seconds."""
        answer = await self._send(
            "POST", f"/api/v1/extensions/{extension_id}/decision", {}, body, "application/json"
        )
        return _read(answer, Extension)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _read(answer: httpx.Response, kind: type[T]) -> T:
    return msgspec.json.decode(answer.content, type=kind)
