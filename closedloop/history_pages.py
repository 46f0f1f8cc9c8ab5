"""What happened to one movement, event by event."""

from datetime import timedelta
from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from closedloop.model import state_at
from closedloop.order import in_order
from closedloop.photos import photos_shown
from closedloop.reporting import Office, situation_of
from closedloop.reveal_pages import driver_shown, people_shown
from closedloop.situation import check_in_district
from closedloop.watching import WATCHERS, name_of, own_place, who
from kernel.audit import record_access
from kernel.auth import requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound
from kernel.i18n import t
from kernel.web import Page, page
from registry.accounts import home_of
from registry.model import Event, Role
from registry.plates import kind_shown
from registry.reveal import REASONS
from registry.wording import navigation
from registry.world import World

AnyRequest = Request[Any, Any, Any]
#: Received so much after it occurred, an event is shown with both times.
NOTICEABLY = timedelta(minutes=2)
#: An uncertainty of less is not worth a word.
WORTH_TELLING_MS = 1_000


@get("/loops/{movement_id:int}", guards=[requires(*WATCHERS, Role.FIRM)])
async def history_page(
    movement_id: FromPath[int],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """What happened to one movement. Reading it writes an audit row."""
    actor, now = who(request), clock.now()
    situation = await situation_of(tx, movement_id)
    own = own_place(actor)
    if own is not None and own not in {stop.place_id for stop in situation.loop.stops}:
        raise NotFound("unknown_movement", movement_id=movement_id)
    world = await office.cache.now(tx)
    check_in_district(situation, actor, world)
    await record_access(
        tx,
        actor,
        action="read_history",
        subject_kind="movement",
        subject=str(movement_id),
        reason="page",
        now=now,
    )
    movement, loop = situation.movement, situation.loop
    return page(
        "history.html",
        movement={
            "movement_id": movement_id,
            "plate": movement.plate,
            "plate_kind": kind_shown(movement.plate),
            "state": state_at(loop, now),
            "masked_name": driver_shown(situation),
            "from_gate": name_of(world, loop.entry_place_id or movement.entry_place_id),
            "to_place": name_of(world, loop.next_place_id or _last_stop(movement.stops)),
            "due_at": loop.due_at,
        },
        events=[_told(event, world) for event in in_order(situation.events)],
        people=people_shown(situation, actor),
        photos=await photos_shown(tx, movement_id, own),
        may_trace=bool(situation.people) and Role.TRACER in actor.roles,
        reveal_reasons=REASONS,
        home_url=home_of(actor),
        nav=navigation(actor),
    )


def _last_stop(stops: tuple[int, ...]) -> int | None:
    return stops[-1] if stops else None


def _told(event: Event, world: World) -> dict[str, Any]:
    uncertain = event.uncertainty_ms > WORTH_TELLING_MS
    return {
        "occurred_at": event.occurred_at,
        "received_at": event.received_at,
        "late": event.received_at - event.occurred_at > NOTICEABLY,
        "uncertain_seconds": event.uncertainty_ms // 1000 if uncertain else 0,
        "what": what_happened(event),
        "where": name_of(world, event.place_id) or None,
        "how": _how(event),
        "flagged": bool(event.body.get("flags")),
    }


def what_happened(event: Event) -> str:
    card, outcome = event.body.get("card"), event.body.get("outcome")
    said = t(f"event.{event.kind}")
    if card:
        return f"{said} · {t(f'card.{card}')}"
    if event.kind == "desk" and outcome:
        return f"{said} · {t(f'outcome.{outcome}')}"
    if event.kind in {"reply", "call"} and event.body.get("code"):
        return f"{said} · {t('reply.' + str(event.body['code']))}"
    return said


def _how(event: Event) -> str:
    if event.offline:
        return t("how.uploaded")
    kind = event.actor.partition(":")[0]
    return t(f"how.{kind}") if kind in {"device", "account", "driver", "system"} else event.actor


HANDLERS: list[Any] = [history_page]
