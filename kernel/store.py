"""Sessions on the server: where they are kept, and when they are written."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# Litestar leaves the parameters of its generic classes open.

import hashlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, MutableScopeHeaders
from litestar.middleware.session.server_side import (
    ServerSideSessionBackend,
    ServerSideSessionConfig,
)
from litestar.stores.base import Store
from litestar.types import Empty, Message

from kernel.auth import IDENTITY, bearer_token
from kernel.clock import Clock
from kernel.db import Connection

Acquire = Callable[[], AbstractAsyncContextManager[Connection]]
LOADED = "session_loaded"


class PostgresStore(Store):
    """Keeps bytes in kernel.session, under the hash of their key."""

    __slots__ = ("acquire", "clock")

    def __init__(self, acquire: Acquire, clock: Clock) -> None:
        self.acquire = acquire
        self.clock = clock

    async def set(
        self, key: str, value: str | bytes, expires_in: int | timedelta | None = None
    ) -> None:
        data = value.encode() if isinstance(value, str) else value
        async with self.acquire() as conn:
            await conn.execute(
                """
                INSERT INTO kernel.session (id, data, expires_at) VALUES ($1, $2, $3)
                ON CONFLICT (id) DO UPDATE SET data = $2, expires_at = $3
                """,
                _hidden(key),
                data,
                self._expiry(expires_in),
            )

    async def get(self, key: str, renew_for: int | timedelta | None = None) -> bytes | None:
        async with self.acquire() as conn:
            if renew_for is not None:
                await conn.execute(
                    """
                    UPDATE kernel.session SET expires_at = $2
                    WHERE id = $1 AND expires_at > $3
                    """,
                    _hidden(key),
                    self._expiry(renew_for),
                    self.clock.now(),
                )
            return await conn.fetchval(
                """
                SELECT data FROM kernel.session
                WHERE id = $1 AND (expires_at IS NULL OR expires_at > $2)
                """,
                _hidden(key),
                self.clock.now(),
            )

    async def delete(self, key: str) -> None:
        async with self.acquire() as conn:
            await conn.execute("DELETE FROM kernel.session WHERE id = $1", _hidden(key))

    async def delete_all(self) -> None:
        async with self.acquire() as conn:
            await conn.execute("DELETE FROM kernel.session")

    async def delete_expired(self) -> None:
        async with self.acquire() as conn:
            await conn.execute(
                "DELETE FROM kernel.session WHERE expires_at <= $1", self.clock.now()
            )

    async def exists(self, key: str) -> bool:
        return await self.get(key) is not None

    async def expires_in(self, key: str) -> int | None:
        """Give the seconds left, or None for no such key and for one that stays."""
        async with self.acquire() as conn:
            expires_at: datetime | None = await conn.fetchval(
                "SELECT expires_at FROM kernel.session WHERE id = $1", _hidden(key)
            )
        return int((expires_at - self.clock.now()).total_seconds()) if expires_at else None

    def _expiry(self, expires_in: int | timedelta | None) -> datetime | None:
        if expires_in is None:
            return None
        span = expires_in if isinstance(expires_in, timedelta) else timedelta(seconds=expires_in)
        return self.clock.now() + span


def _hidden(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class QuietSessions(ServerSideSessionBackend):
    """Writes a session only when it changed, and never under an id that the browser chose.

    Litestar's own backend stores every session on every answer, gives each visitor an empty one,
    and keeps a stranger's id after log-in.
    """

    async def load_from_connection(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> dict[str, Any]:
        if bearer_token(connection.scope) is not None:
            return {}
        session = await super().load_from_connection(connection)
        connection.state[LOADED] = deepcopy(session)
        return session

    async def store_in_message(
        self,
        scope_session: Any,  # noqa: ANN401 -- a dictionary, None, or Litestar's Empty
        message: Message,
        connection: ASGIConnection[Any, Any, Any, Any],
    ) -> None:
        before: dict[str, Any] = connection.state.get(LOADED) or {}
        after: Any = {} if scope_session in (Empty, None) else scope_session
        if after == before:
            return
        store = self.config.get_store_from_app(connection.app)
        held = connection.cookies.get(self.config.key) if before else None
        if held and any(after.get(key) != before.get(key) for key in IDENTITY):
            await self.delete(held, store)
            held = None
        key = held or self.generate_session_id()
        if after:
            await self.set(key, self.serialize_data(after, connection.scope), store)
        self._send_cookie(message, key if after else None)

    def _send_cookie(self, message: Message, key: str | None) -> None:
        config = self.config
        cookie = Cookie(
            key=config.key,
            value=key or "null",
            max_age=config.max_age if key else 0,
            path=config.path,
            secure=config.secure,
            httponly=config.httponly,
            samesite=config.samesite,
        )
        headers = MutableScopeHeaders.from_message(message)
        headers.add("Set-Cookie", cookie.to_header(header=""))


@dataclass
class SessionConfig(ServerSideSessionConfig):
    _backend_class = QuietSessions
