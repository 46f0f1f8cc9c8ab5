"""Keys of other programs: what their scopes open, and how often.

The middleware stands behind the one that finds out who calls, and before every route: a route that
nobody gave a scope is open to no key. What is used up is counted in the database, so that it is one
count whatever process answers, and committed apart, so that a request that fails counts as well.
"""
# pyright: reportUnknownMemberType=false
# Litestar leaves the parameters of its generic classes open.
# pyright: reportUnknownMemberType=false
# Litestar leaves the parameters of its generic classes open.

from collections.abc import Awaitable, Callable
from typing import cast

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from kernel.auth import Actor, Key
from kernel.errors import Forbidden

#: The scope that a request needs, by method and path template; None where no key may come.
Needs = Callable[[str, str], str | None]
#: Counts one use. Raises TooMany("quota_used").
CountUse = Callable[[Key], Awaitable[None]]


class Metered(ASGIMiddleware):
    """Raises Forbidden `not_for_keys`, `scope_missing`; TooMany `quota_used`. `app.state.count_use`
    does the counting.
    """

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)

    def __init__(self, needs: Needs) -> None:
        self.needs = needs

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        actor = cast("Actor | None", scope.get("user"))
        if actor is not None and actor.key is not None:
            await self._check(scope, actor.key)
        await next_app(scope, receive, send)

    async def _check(self, scope: Scope, key: Key) -> None:
        method = cast("HTTPScope", scope).get("method", "")
        needed = self.needs(method, scope["path_template"])
        if needed is None:
            raise Forbidden("not_for_keys")
        if needed not in key.scopes:
            raise Forbidden("scope_missing", scope=needed)
        count: CountUse = scope["litestar_app"].state.count_use
        await count(key)
