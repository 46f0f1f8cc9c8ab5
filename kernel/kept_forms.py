"""A form that was sent after its log-in had ended: kept sealed, and there for the same person.

It is kept in the session, which outlives the log-in by a little and still says whose it was. Only
that account, logged in again in the same browser, is shown it; the next form it sends ends it.
"""
# pyright: reportUnknownMemberType=false
# Litestar leaves the parameters of its generic classes open.

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from msgspec import Struct

from kernel.errors import Refused
from kernel.privacy import Vault

AnyConnection = ASGIConnection[Any, Any, Any, Any]
KEPT = "kept_form"
LIVES = timedelta(hours=1)
MOST_BYTES = 32 * 1024
#: Never kept, whatever form they stand on.
SECRET = frozenset({"_csrf_token", "password", "current", "again", "code"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class KeptForm(Struct, frozen=True, kw_only=True):
    """`path` is where it was to go, `page` where it stood, if the browser said so. `fields` as
    they were sent: a name may stand there twice.
    """

    account: str
    path: str
    page: str | None
    fields: tuple[tuple[str, str], ...]
    at: datetime


async def keep_form(connection: AnyConnection, account: str) -> None:
    """Files are not kept: they still lie where they were chosen."""
    request = cast("Request[Any, Any, Any]", connection)
    vault = _vault(connection)
    if vault is None or request.content_type[0] not in _FORMS:
        return
    form = await request.form()
    fields = tuple(
        (name, value)
        for name, value in form.multi_items()
        if isinstance(value, str) and name not in SECRET
    )
    await form.close()
    kept = KeptForm(
        account=account,
        path=connection.scope["path"],
        page=page_before(connection),
        fields=fields,
        at=connection.app.state.clock.now(),
    )
    said = msgspec.json.encode(kept).decode()
    if fields and len(said) <= MOST_BYTES:
        connection.session[KEPT] = vault.seal(said, field="kept_form").hex()


def unsent_on(connection: AnyConnection, context: Mapping[str, Any]) -> dict[str, Any]:
    """For a page that is opened: what was not sent, in its fields where they stand on this page
    and nowhere else, beside them where the page has a form for each of many.
    """
    kept, path = _kept(connection), connection.scope["path"]
    if kept is None:
        return {}
    values: object = context.get("values")
    if kept.path == path and isinstance(values, dict):
        # Of what the page would show by itself, texts go: a box that was not ticked is not sent.
        known = cast("dict[str, Any]", values)
        others = {name: value for name, value in known.items() if not isinstance(value, str)}
        return {"values": others | dict(kept.fields), "filled": True}
    stood = urlsplit(kept.page or "").path
    return {"unsent": kept} if stood in {"", path} else {}


def _kept(connection: AnyConnection) -> KeptForm | None:
    """Of whoever is here now; None on `?fresh=`, with which an empty page is asked for."""
    held, vault, actor = held_form(connection), _vault(connection), connection.scope.get("user")
    asked = connection.scope.get("method") == "GET" and "fresh" not in connection.query_params
    if held is None or vault is None or actor is None or not asked:
        return None
    try:
        said = vault.open(bytes.fromhex(held), field="kept_form")
        kept = msgspec.json.decode(said, type=KeptForm)
    except (Refused, ValueError):
        return None
    late = connection.app.state.clock.now() - kept.at >= LIVES
    return None if late or kept.account != str(actor.id) else kept


def held_form(connection: AnyConnection) -> str | None:
    """Sealed, as the session carries it from one log-in to the next."""
    session = cast("object", connection.scope.get("session"))
    return cast("dict[str, str]", session).get(KEPT) if isinstance(session, dict) else None


def drop_form(connection: AnyConnection) -> None:
    if held_form(connection) is not None:
        del connection.session[KEPT]


def page_before(connection: AnyConnection) -> str | None:
    """The page of ours on which a form stood; browsers name it to its own site."""
    came = urlsplit(connection.headers.get("referer", ""))
    if not came.path or came.netloc != connection.headers.get("host"):
        return None
    return f"{came.path}?{came.query}" if came.query else came.path


def _vault(connection: AnyConnection) -> Vault | None:
    return getattr(connection.app.state, "vault", None)
