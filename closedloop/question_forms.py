"""What the driver's pages share: the device's cookie, the fields as typed, where a page stands."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.datastructures import Cookie
from litestar.response import Redirect

from closedloop import question_times
from closedloop.questions import PRIVATE, Typed, answered
from closedloop.reporting import Office
from kernel.auth import new_token
from kernel.i18n import t
from kernel.privacy import mask_id, mask_name, mask_phone
from kernel.settings import Settings
from registry.drafts import Draft
from registry.drivers import COOKIE
from registry.reports import view_key
from registry.rules import RuleSet

AnyRequest = Request[Any, Any, Any]
#: The cookie in which a driver's device keeps its last pass (registry's home page reads it).
LAST_PASS = "last_pass"  # noqa: S105 - the name of a cookie
KEPT_SECONDS = 14 * 24 * 3600
DEVICE_SECONDS = 90 * 24 * 3600
LONGEST_TOKEN = 64
#: No field of a form is longer.
LONGEST = 2000


def device_token(request: AnyRequest) -> str:
    """Empty for a device that has none, or something that we never gave."""
    token = request.cookies.get(COOKIE, "")
    return token if token.isascii() and len(token) <= LONGEST_TOKEN else ""


def device_cookie(request: AnyRequest, settings: Settings) -> Cookie:
    """The one it has, for another ninety days, or a new one."""
    return Cookie(
        key=COOKIE,
        value=device_token(request) or new_token(),
        max_age=DEVICE_SECONDS,
        path="/",
        httponly=True,
        secure=settings.secure_cookies,
        samesite="lax",
    )


def page_url(draft_id: UUID, name: str) -> str:
    return f"/d/r/{draft_id}/{name}"


def to_pass(office: Office, movement_id: int, settings: Settings) -> Redirect:
    reference = f"{movement_id}-{view_key(movement_id, office.vault)}"
    kept = Cookie(
        key=LAST_PASS,
        value=reference,
        max_age=KEPT_SECONDS,
        httponly=True,
        secure=settings.secure_cookies,
        samesite="lax",
    )
    return Redirect(f"/d/{reference}", status_code=303, cookies=[kept])


def sent_already(office: Office, draft: Draft, settings: Settings) -> Redirect | None:
    """Back, or a second tap, after it was sent: to its pass."""
    if draft.sent_at is None or draft.became is None:
        return None
    return to_pass(office, draft.became, settings)


async def read_typed(request: AnyRequest) -> Typed:
    """The fields of a form as text; files, repetitions and what no field takes are left out."""
    form = await request.form()
    return {
        name: value.replace("\0", "")[:LONGEST]
        for name, value in form.items()
        if isinstance(value, str)
    }


def told(field: str, code: str, **facts: object) -> list[dict[str, str]]:
    return [{"field": field, "message": t(f"error.{code}", **facts)}]


def answer_to(name: str, draft: Draft, said: Typed, rules: RuleSet) -> Typed:
    if "remove" in said:
        return draft.typed | answered(name, draft.typed, {}, rules, masked=False)
    return answered(name, draft.typed, said, rules, masked=draft.masked)


def shown_values(draft: Draft, *, masked: bool = False) -> Typed:
    """What the fields of a page hold. Whoever opened the link of a draft, or the page of a pass,
    sees of numbers only that there are some.
    """
    typed = question_times.chosen(draft.typed)
    if masked:
        return typed | {f: _mask(f, typed[f]) for f in (*PRIVATE, *_names(typed)) if typed.get(f)}
    if draft.masked:
        return {f: "" if f in PRIVATE else v for f, v in typed.items()}
    return typed


def _names(typed: Mapping[str, str]) -> list[str]:
    return [f for f in typed if f == "name" or (f.startswith("crew_") and f.endswith("_name"))]


def _mask(field: str, value: str) -> str:
    if field == "phone":
        return mask_phone(value)
    return mask_id(value) if field in PRIVATE else mask_name(value)
