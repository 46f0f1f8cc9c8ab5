"""Channels for messages: made, tried and stopped by the administrator; what nobody got."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from kernel.audit import record_access
from kernel.auth import Actor, requires
from kernel.channels import CHAT, SCHEMES, WEBHOOK, NewChannel, add_channel, channels
from kernel.channels import disable_channel as disable
from kernel.clock import Clock
from kernel.db import Connection
from kernel.dead_letters import dead_letters, send_again
from kernel.errors import Refused
from kernel.i18n import t
from kernel.ids import uuid7
from kernel.outbox import post as post_message
from kernel.privacy import Vault
from kernel.robots import in_words
from kernel.settings import Settings
from kernel.web import Page, page
from registry.accounts import known_actor
from registry.model import Role
from registry.office_views import framed
from registry.wording import error

AnyRequest = Request[Any, Any, Any]
#: Recipients of the outbox that are no telephone.
AUDIENCES = ("duty", "police", "grid", "tracers", "security")
DONE = frozenset({"added", "stopped", "again", "tried"})
_FIELDS = {
    "channel_name_needed": "name", "channel_audience_needed": "audience", "address_malformed":
    "address", "channel_kind_unknown": "address", "address_not_public": "address",
    "channel_limit_out_of_range": "per_hour",
}  # fmt: skip


class ChannelForm(Struct, frozen=True, kw_only=True):
    event_id: UUID
    name: str = ""
    kind: str = ""
    address: str = ""
    audience: str = ""
    place: str = ""
    lang: str = "zh"
    per_hour: str = "60"


@get("/admin/channels", guards=[requires(Role.ADMIN)])
async def channels_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page:
    """Every channel with what waits, went and failed; and what nobody got."""
    notice = t(f"ui.channels.done.{done}") if done in DONE else None
    return await _show(tx, known_actor(request), clock.now(), notice=notice)


async def _show(
    conn: Connection,
    actor: Actor,
    now: datetime,
    *,
    notice: str | None = None,
    told: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    secret: str = "",
) -> Page:
    return page(
        "channels.html",
        http_status=422 if told else 200,
        channels=await channels(conn),
        dead=await dead_letters(conn),
        kinds=[{"value": kind, "label": t(f"ui.channels.kind.{kind}")} for kind in (CHAT, WEBHOOK)],
        audiences=[{"value": each, "label": t(f"ui.channels.to.{each}")} for each in AUDIENCES]
        + [{"value": "place", "label": t("ui.channels.to.place")}],
        langs=[{"value": "zh", "label": "中文"}, {"value": "en", "label": "English"}],
        schemes=sorted(SCHEMES),
        secret=secret,
        in_words=in_words,
        event_id=str(uuid7(now)),
        notice=notice,
        errors=[told] if told else [],
        values=values or {},
        **framed(actor, "/admin/channels"),
    )


@post("/admin/channels", guards=[requires(Role.ADMIN)], status_code=200)
async def new_channel(
    request: AnyRequest,
    data: URLEncodedBody[ChannelForm],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    vault: NamedDependency[Vault],
    settings: NamedDependency[Settings],
) -> Page | Redirect:
    """A webhook's secret is shown once, on the page that answers."""
    actor, now = known_actor(request), clock.now()
    said = _read(data)
    try:
        secret = await add_channel(tx, vault, said, settings.webhook_allow, actor.id, now)
    except Refused as refused:
        told = error(_FIELDS.get(refused.code, ""), refused)
        # The address has keys in it and is not shown again.
        values = {
            "name": data.name,
            "kind": data.kind,
            "audience": data.audience,
            "place": data.place,
            "lang": data.lang,
            "per_hour": data.per_hour,
        }
        return await _show(tx, actor, now, told=told, values=values)
    await _recorded(tx, actor, "add_channel", said.id, now)
    if secret:
        return await _show(tx, actor, now, notice=t("ui.channels.done.added"), secret=secret)
    return Redirect("/admin/channels?done=added", status_code=303)


def _read(data: ChannelForm) -> NewChannel:
    limit = data.per_hour.strip()
    to = data.audience
    if to == "place":
        number = data.place.strip()
        to = f"place:{int(number)}" if number.isascii() and number.isdigit() else ""
    elif to not in AUDIENCES:
        to = ""
    return NewChannel(
        id=data.event_id,
        name=data.name,
        kind=data.kind,
        address=data.address,
        audience=(to,) if to else (),
        lang=data.lang if data.lang in {"zh", "en"} else "zh",
        per_hour=int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 6 else 0,
    )


async def _recorded(
    conn: Connection, actor: Actor, action: str, channel_id: UUID, now: datetime
) -> None:
    await record_access(
        conn,
        actor,
        action=action,
        subject_kind="channel",
        subject=str(channel_id),
        reason="page",
        now=now,
    )


@post("/admin/channels/{channel_id:uuid}/stop", guards=[requires(Role.ADMIN)])
async def stop_channel(
    channel_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Redirect:
    """Nothing goes through it any more."""
    actor, now = known_actor(request), clock.now()
    await disable(tx, channel_id, now)
    await _recorded(tx, actor, "stop_channel", channel_id, now)
    return Redirect("/admin/channels?done=stopped", status_code=303)


@post("/admin/channels/try", guards=[requires(Role.ADMIN)])
async def try_channels(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Redirect:
    """A message that says that it is a trial, to everybody who is on a channel."""
    now = clock.now()
    audience = {
        to for each in await channels(tx) if each.disabled_at is None for to in each.audience
    }
    for to in sorted(audience):
        key = f"trial:{to}:{now:%Y%m%d%H%M%S}"
        await post_message(tx, kind="trial", key=key, recipient=to, facts={}, now=now)
    known_actor(request)
    return Redirect("/admin/channels?done=tried", status_code=303)


@post(
    "/admin/channels/{channel_id:uuid}/dead/{message_id:uuid}/again",
    guards=[requires(Role.ADMIN)],
)
async def again(
    channel_id: FromPath[UUID],
    message_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Redirect:
    """A dead letter is tried once more."""
    await send_again(tx, message_id, channel_id, clock.now())
    return Redirect("/admin/channels?done=again", status_code=303)


HANDLERS: list[Any] = [channels_page, new_channel, stop_channel, try_channels, again]
