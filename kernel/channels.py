"""Channels that carry messages out of the house: signed webhooks, and what Apprise knows of chat
robots, mail and SMS gateways. Their addresses have keys in them and are sealed.
"""

import logging
import secrets
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import apprise
from msgspec import Struct, convert

from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Unprocessable
from kernel.outgoing import Allowed, checked_url
from kernel.privacy import Vault

WEBHOOK, CHAT = "webhook", "chat"
ADDRESS, SECRET = "channel_address", "channel_secret"
#: What Apprise is let do: robots of WeCom, DingTalk and Feishu, mail, and SMS gateways. Its plain
#: HTTP, file and program schemes are our own affair, or nobody's.
SCHEMES = frozenset(
    {
        "wecombot", "wechat", "wxwork", "dingtalk", "feishu", "lark", "mailto", "mailtos",
        "clicksend", "twilio", "vonage", "nexmo", "sns", "messagebird", "bulksms", "sinch",
    }
)  # fmt: skip
LONGEST_NAME = 60
MOST_PER_HOUR = 3600

# Apprise logs addresses, which have keys in them.
logging.getLogger("apprise").setLevel(logging.CRITICAL)


class Channel(Struct, frozen=True, kw_only=True):
    """`audience`: recipients of the outbox (`duty`, `police`, …, `place:ID`); `shown`: what of the
    address may be seen.
    """

    id: UUID
    name: str
    kind: str
    shown: str
    audience: tuple[str, ...]
    lang: str
    per_hour: int
    created_at: datetime
    disabled_at: datetime | None
    waiting: int = 0
    sent: int = 0
    dead: int = 0
    last_error: str = ""


class NewChannel(Struct, frozen=True, kw_only=True):
    """`id` is the sender's: the same form sent twice makes one channel."""

    id: UUID
    name: str
    kind: str
    address: str
    audience: tuple[str, ...]
    lang: str = "zh"
    per_hour: int = 60


def read_robot(address: str) -> Any:  # noqa: ANN401 - Apprise's own plugin
    """Raises Unprocessable `address_malformed`, `channel_kind_unknown`."""
    scheme = urlsplit(address.strip()).scheme.lower()
    if not scheme:
        raise Unprocessable("address_malformed")
    if scheme not in SCHEMES:
        raise Unprocessable("channel_kind_unknown", known=sorted(SCHEMES))
    made = apprise.Apprise.instantiate(address.strip(), suppress_exceptions=True)  # pyright: ignore[reportUnknownMemberType]
    if made is None:
        raise Unprocessable("address_malformed")
    return made


def shown_of(kind: str, address: str) -> str:
    """The host of a webhook, the kind of a robot; nothing that opens a door."""
    parts = urlsplit(address.strip())
    return (parts.hostname or "") if kind == WEBHOOK else f"{parts.scheme}://…"


async def add_channel(
    conn: Connection, vault: Vault, said: NewChannel, allow: Allowed, actor_id: UUID, now: datetime
) -> str:
    """The secret with which a webhook is signed, shown once; empty for others. Raises Unprocessable
    as `read_robot` and `checked_url` do, `channel_name_needed`, `channel_audience_needed`,
    `channel_limit_out_of_range`; Conflict `channel_known`.
    """
    _check(said, allow)
    secret = secrets.token_urlsafe(32) if said.kind == WEBHOOK else ""
    status = await conn.execute(
        """
        INSERT INTO kernel.channel (id, name, kind, address_sealed, secret_sealed, shown, audience,
                                    lang, per_hour, created_by, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING
        """,
        said.id,
        said.name.strip()[:LONGEST_NAME],
        said.kind,
        vault.seal(said.address.strip(), field=ADDRESS),
        vault.seal(secret, field=SECRET) if secret else None,
        shown_of(said.kind, said.address),
        list(said.audience),
        said.lang,
        said.per_hour,
        actor_id,
        now,
    )
    if status.endswith(" 0"):
        raise Conflict("channel_known")
    return secret


def _check(said: NewChannel, allow: Allowed) -> None:
    if not said.name.strip():
        raise Unprocessable("channel_name_needed")
    if not said.audience:
        raise Unprocessable("channel_audience_needed")
    if not 1 <= said.per_hour <= MOST_PER_HOUR:
        raise Unprocessable("channel_limit_out_of_range", most=MOST_PER_HOUR)
    if said.kind == WEBHOOK:
        checked_url(said.address, allow)
    elif said.kind == CHAT:
        read_robot(said.address)
    else:
        raise Unprocessable("channel_kind_unknown", known=[WEBHOOK, CHAT])


async def disable_channel(conn: Connection, channel_id: UUID, now: datetime) -> None:
    """Nothing is sent through it any more; what waited stays on record. Raises NotFound."""
    status = await conn.execute(
        "UPDATE kernel.channel SET disabled_at = coalesce(disabled_at, $2) WHERE id = $1",
        channel_id,
        now,
    )
    if status.endswith(" 0"):
        raise NotFound("unknown_channel")


async def channels(conn: Connection) -> list[Channel]:
    """In use first, by name; with what waits, went and failed."""
    rows = await conn.fetch(
        """
        SELECT c.id, c.name, c.kind, c.shown, c.audience, c.lang, c.per_hour, c.created_at,
               c.disabled_at,
               count(*) FILTER (WHERE d.sent_at IS NULL AND d.gave_up_at IS NULL
                                  AND d.message_id IS NOT NULL) AS waiting,
               count(d.sent_at) AS sent, count(d.gave_up_at) AS dead,
               coalesce((array_agg(d.error ORDER BY d.next_at DESC)
                         FILTER (WHERE d.error <> ''))[1], '') AS last_error
          FROM kernel.channel c LEFT JOIN kernel.delivery d ON d.channel_id = c.id
         GROUP BY c.id ORDER BY c.disabled_at IS NOT NULL, c.name, c.id
        """
    )
    return [convert(dict(row), Channel) for row in rows]
