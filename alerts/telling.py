"""What a channel's readers are told, in one line: what happened, by when, and where to look.

No plate and no name: what goes to a chat robot or a mailbox leaves the house. The link leads to
whoever may see more.
"""

from datetime import datetime
from typing import Any

from kernel.db import Connection
from kernel.deliveries import Due, Tell
from kernel.i18n import local_time, t, use_locale
from registry.world import WorldCache

#: Messages about one truck that somebody looks after; the link is its case.
CASES = frozenset(
    {
        "limit_ahead", "limit_passed", "enquiry", "call_needed", "field_check", "tracing_asked",
        "truck_referred", "truck_discrepancy", "truck_not_expected", "pass_in_two_lanes",
        "wanted_seen",
    }
)  # fmt: skip
#: Messages whose reader looks at a list of their own.
LISTS = {"ticket_pushed": "/infodesk", "truck_announced": "/expected"}
LINKS = {
    "police": "/field", "grid": "/field", "tracers": "/trace/new?movement={movement_id}",
    "duty": "/duty/{movement_id}",
}  # fmt: skip


def teller(cache: WorldCache, public_url: str) -> Tell:
    async def tell(conn: Connection, due: Due, lang: str) -> str:
        world = await cache.now(conn)
        facts: dict[str, Any] = dict(due.facts)
        place = world.places.get(int(facts.get("place_id") or 0))
        with use_locale(lang):
            said = {
                "place": "" if place is None else place.name,
                "due": _moment(facts.get("due_at")),
                "step": str(facts.get("step") or ""),
                "number": str(facts.get("number") or facts.get("movement_id") or ""),
                "url": public_url + _link(due, facts),
            }
            sentence = t(f"msg.{due.kind}", **said)
            return sentence if sentence != f"msg.{due.kind}" else t("msg.other", **said)

    return tell


def _link(due: Due, facts: dict[str, Any]) -> str:
    if due.kind.startswith(("hold", "truck_held")) and facts.get("hold"):
        return "/receive" if due.recipient.startswith("place:") else f"/holds/{facts['hold']}"
    if due.kind in LISTS:
        return LISTS[due.kind]
    if due.recipient.startswith("place:"):
        return "/firm"
    if due.kind == "access_unusual":
        return "/security/accounts"
    if due.kind in CASES and facts.get("movement_id"):
        return LINKS.get(due.recipient, "/").format(movement_id=facts["movement_id"])
    return "/"


def _moment(text: object) -> str:
    return local_time(datetime.fromisoformat(text)) if isinstance(text, str) else ""
