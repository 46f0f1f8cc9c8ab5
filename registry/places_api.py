"""Applications, the life of codes and test scans, over the API."""

from typing import Annotated, Any
from uuid import UUID

from litestar import MediaType, Request, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, PathParameter
from msgspec import Struct

from kernel.auth import public, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.privacy import Vault
from registry.accounts import known_actor
from registry.applications import Filed, Mending, apply, find_application, mend
from registry.bulk import LARGEST_FILE, BulkReport
from registry.codes import Acted, CodeAct, act_on_codes
from registry.framing import INSPECTING, REGISTRARS
from registry.import_pages import take_list
from registry.inspections import (
    TrialReceipt,
    TrialScan,
    TrialScanned,
    record_test_scan,
    trials_of,
)
from registry.model import Role
from registry.particulars import Application
from registry.places import find_place
from registry.reviews import Reviewed, review

AnyRequest = Request[Any, Any, Any]
PlaceId = Annotated[int, PathParameter(description="The place's number.", ge=1, le=2**63 - 1)]


class NewApplication(Application, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`confirm_new` says that it is none of the look-alikes that were named."""

    confirm_new: bool = False


class Applied(Struct, frozen=True, kw_only=True):
    id: UUID
    state: str


class Decision(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    decision: str
    reason: str | None = None


class TestScans(Struct, frozen=True, kw_only=True):
    test_scans: list[TrialScanned]


@post("/places/applications", guards=[public], tags=["places"])
async def apply_for_codes(
    data: JSONBody[NewApplication],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
) -> Applied:
    """Apply for dedicated place codes: one for each gate named.

    Answers 409 `duplicate_place` when the place has codes already or is waiting for review, and
    409 `looks_alike` with `candidates` when others are like it, unless `confirm_new` is true.
    """
    said = {name: getattr(data, name) for name in Application.__struct_fields__}
    made = await apply(tx, vault, Application(**said), clock.now(), confirm_new=data.confirm_new)
    return Applied(id=made, state="pending")


@get("/places/applications/{application_id:uuid}", guards=[public], tags=["places"])
async def application_state(
    application_id: FromPath[UUID], tx: NamedDependency[Connection]
) -> Filed:
    """How an application stands, for whoever knows its id. It holds no contacts."""
    return await find_application(tx, application_id)


@patch("/places/applications/{application_id:uuid}", guards=[public], tags=["places"])
async def mend_application(
    application_id: FromPath[UUID],
    data: JSONBody[Mending],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
) -> Applied:
    """Mend an application that was sent back; what is left out stays as it was. The id is the
    applicant's secret: keep it out of messages and logs.
    """
    return Applied(id=await mend(tx, vault, application_id, data, clock.now()), state="pending")


@post(
    "/places/applications/{application_id:uuid}/review",
    guards=[requires(*REGISTRARS)],
    status_code=200,
    tags=["places"],
)
async def review_application(
    request: AnyRequest,
    application_id: FromPath[UUID],
    data: JSONBody[Decision],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Reviewed:
    """Approve or reject an application. A rejection needs its reason.

    Approval creates the place, its gates and one active code for each gate.
    """
    actor = known_actor(request)
    return await review(
        tx,
        application_id,
        data.decision,
        data.reason,
        actor,
        clock.now(),
        district=actor.district,
    )


@post(
    "/places/applications/import",
    guards=[requires(*REGISTRARS)],
    status_code=200,
    request_max_body_size=LARGEST_FILE,
    media_type=MediaType.JSON,
    tags=["places"],
)
async def import_list(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
    dry_run: FromQuery[bool] = True,  # noqa: FBT002 - a query parameter
    confirm_new: FromQuery[bool] = False,  # noqa: FBT002 - a query parameter
) -> BulkReport:
    """Applications from CSV, JSON lines or XLSX; a result for each row. A trial unless
    `dry_run=false`; `confirm_new` takes look-alikes as well.
    """
    return await take_list(
        tx,
        vault,
        await request.body(),
        request.headers.get("content-type", ""),
        dry_run=dry_run,
        confirm_new=confirm_new,
        actor=known_actor(request),
        clock=clock,
    )


@post(
    "/places/{place_id:int}/acts",
    guards=[requires(Role.REGISTRAR)],
    status_code=200,
    tags=["places"],
)
async def act_on_place(
    request: AnyRequest,
    place_id: PlaceId,
    data: JSONBody[CodeAct],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Acted:
    """Rotate or revoke the code of a gate; suspend, resume or revoke a place. `reason` is needed
    and kept with who did it.
    """
    actor = known_actor(request)
    return await act_on_codes(tx, place_id, data, actor, clock.now(), district=actor.district)


@get(
    "/places/{place_id:int}/test-scans",
    guards=[requires(*INSPECTING, Role.AUDITOR)],
    tags=["places"],
)
async def list_test_scans(
    request: AnyRequest, place_id: PlaceId, tx: NamedDependency[Connection]
) -> TestScans:
    """What the staff found at a place's codes, the newest first."""
    await find_place(tx, place_id, known_actor(request).district)
    return TestScans(test_scans=await trials_of(tx, place_id))


@post(
    "/places/{place_id:int}/test-scans",
    guards=[requires(*INSPECTING)],
    status_code=200,
    tags=["places"],
)
async def add_test_scan(
    request: AnyRequest,
    place_id: PlaceId,
    data: JSONBody[TrialScan],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> TrialReceipt:
    """Record what was found at a gate. The same `id` again is `repeated`."""
    actor = known_actor(request)
    return await record_test_scan(tx, place_id, data, actor, clock.now(), district=actor.district)


HANDLERS: list[Any] = [
    apply_for_codes,
    application_state,
    mend_application,
    review_application,
    import_list,
    act_on_place,
    list_test_scans,
    add_test_scan,
]
