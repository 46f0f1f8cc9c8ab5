"""Every route of the application, walked with made-up people in every field it takes.

The routes come from the application itself, so that a new one is walked as well.
"""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID

import httpx
from litestar import Litestar
from msgspec import Struct

from kernel.auth import Requires
from kernel.ids import uuid7
from tests.authz import AT_A_VENUE
from tests.canaries import Canary
from tests.city import City
from tests.conftest import NOON

PARAMETER = re.compile(r"\{(\w+):(\w+)\}")
NOT_REACHED = {401, 403, 404, 405}
LOCAL_TIME = "%Y-%m-%dT%H:%M"

#: Somebody logged in who walks what is open to all such, and logs out on the way.
PASSING = "passing"

#: Staff at a venue, in the role of a firm.
VENUE = "venue"

#: Routes that are not walked, and why.
LEFT_OUT = {
    "GET /duty/events": "a stream without an end; it says only that there is something to see",
    "POST /api/v1/traces/{case_id:uuid}/close": "takes nothing, and would hide the case's pages",
    "GET /infodesk/events": "a stream without an end; it says only that there is something to see",
    "GET /gate/reads/events": "a stream without an end; it says only that there is something to see",
    "GET /api/{path:str}": "drawn by the framework; there is nothing below the description",
}
#: What a form of its own reads, where no struct names the fields.
FORM_FIELDS = (
    "name", "id_type", "id_number", "phone", "plate", "trailer_plate", "origin", "goods",
    "entry_place_id", "stop_1", "expected_entry_at", "expected_exit_at", "crew_1_name",
    "crew_1_id_number", "crew_1_phone", "event_id", "last_four", "code", "note", "reason",
)  # fmt: skip


class Route(Struct, frozen=True, kw_only=True):
    method: str
    path: str
    #: None: open to anyone.
    roles: frozenset[str] | None
    fields: tuple[str, ...]
    kind: str
    query: tuple[str, ...]

    @property
    def label(self) -> str:
        return f"{self.method} {self.path}"


class Answer(Struct, frozen=True, kw_only=True):
    """One answer, and which canaries its own request had sent."""

    label: str
    client: str
    status: int
    sent: frozenset[int]
    in_url: bool
    headers: str
    text: str


def routes_of(app: Litestar) -> list[Route]:
    return [
        _route(method, route.path, handler)
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"})
    ]


def _route(method: str, path: str, handler: Any) -> Route:
    parameters = handler.parsed_fn_signature.parameters
    data = parameters.get("data")
    fields = getattr(data.annotation, "__struct_fields__", ()) if data else ()
    in_path = {name for name, _ in PARAMETER.findall(path)}
    roles = [guard.roles for guard in handler.resolve_guards() if isinstance(guard, Requires)]
    return Route(
        method=method,
        path=path,
        roles=roles[0] if roles else None,
        fields=tuple(fields) or FORM_FIELDS,
        kind="json" if path.startswith("/api/") else "form",
        query=tuple(
            name
            for name, each in parameters.items()
            if name not in in_path | {"data", "request", "headers"}
            and set(get_args(each.annotation) or (each.annotation,)) & {str, int, float}
        ),
    )


class Ground(Struct, frozen=True, kw_only=True):
    """Ids that exist, for the parameters of a path."""

    city: City
    ids: Mapping[str, str]


class Walk:
    def __init__(self, clients: dict[str, httpx.AsyncClient], ground: Ground) -> None:
        self.clients = clients
        self.ground = ground
        self.answers: list[Answer] = []

    def who(self, route: Route) -> str:
        if route.path.startswith(AT_A_VENUE):
            return VENUE
        if route.roles is None:
            return "nobody"
        return next((r for r in self.clients if r in route.roles), PASSING)

    def address(self, route: Route, changes: Mapping[str, str] | None = None) -> str:
        known = {**self.ground.ids, **(changes or {})}

        def fill(found: re.Match[str]) -> str:
            name, kind = found.groups()
            return known.get(name) or {"int": "1", "uuid": str(UUID(int=1))}.get(kind, "x")

        return PARAMETER.sub(fill, route.path)

    async def send(
        self,
        route: Route,
        *,
        client: str,
        sent: int | None,
        url: str | None = None,
        in_url: bool = False,
        **request: Any,
    ) -> Answer:
        browser = self.clients[client]
        headers = {"x-csrftoken": browser.cookies.get("csrftoken") or ""}
        headers |= request.pop("headers", {})
        response = await browser.request(
            route.method, url or self.address(route), headers=headers, **request
        )
        answer = Answer(
            label=route.label,
            client=client,
            status=response.status_code,
            sent=frozenset() if sent is None else frozenset({sent}),
            in_url=in_url,
            headers="\n".join(f"{name}: {value}" for name, value in response.headers.items()),
            text=response.text,
        )
        self.answers.append(answer)
        return answer

    async def everywhere(self, route: Route, number: int, canary: Canary) -> None:
        """The canary in each field, in a body that is no body, in the query and in the path."""
        client, texts = self.who(route), canary.texts
        if route.method != "GET":
            filled = {field: texts[n % 3] for n, field in enumerate(route.fields)}
            body: dict[str, Any] = (
                {"json": filled | {texts[0]: texts[1]}} if route.kind == "json" else {}
            )
            body = body or {"data": filled}
            await self.send(route, client=client, sent=number, **body)
            broken = f'{{"id_number": "{texts[0]}", "phone": {texts[1]}, "name": "{texts[2]}'
            for kind in ("application/json", "text/csv", "application/x-www-form-urlencoded"):
                await self.send(
                    route,
                    client=client,
                    sent=number,
                    content=broken.encode(),
                    headers={"content-type": kind},
                )
        words = dict.fromkeys(("q", "next", "name", "plate", *route.query), texts[number % 3])
        query: dict[str, Any] = {"params": words}
        await self.send(route, client=client, sent=number, in_url=True, **query)
        if any(kind == "str" for _, kind in PARAMETER.findall(route.path)):
            names = [name for name, kind in PARAMETER.findall(route.path) if kind == "str"]
            url = self.address(route, dict.fromkeys(names, texts[0]))
            await self.send(route, client=client, sent=number, in_url=True, url=url)

    async def look(self, route: Route, client: str) -> None:
        """As somebody who sent nothing."""
        await self.send(route, client=client, sent=None)


def report_of(canary: Canary, city: City, **changes: Any) -> dict[str, Any]:
    """What the API takes as a report; every second canary is crew as well."""
    return {
        "name": canary.name,
        "id_number": canary.number,
        "phone": canary.phone,
        "plate": "豫B12345",
        "origin": "山东省济南市",
        "entry_place_id": city.north,
        "expected_entry_at": (NOON + timedelta(hours=1)).isoformat(),
        "expected_exit_at": (NOON + timedelta(hours=30)).isoformat(),
        "declared": {"symptom": False, "risk_area": False},
        "stops": [city.mill],
        "goods": "daily",
    } | changes


def form_of(canary: Canary, city: City) -> dict[str, str]:
    said = report_of(canary, city)
    return {
        name: str(said[name])
        for name in ("name", "id_number", "phone", "plate", "origin", "entry_place_id", "goods")
    } | {
        "id_type": "resident",
        "stop_1": str(city.mill),
        "expected_entry_at": (NOON + timedelta(hours=9)).strftime(LOCAL_TIME),
        "expected_exit_at": (NOON + timedelta(hours=40)).strftime(LOCAL_TIME),
        "q_symptom": "no",
        "q_risk_area": "no",
        "entry_day": NOON.date().isoformat(),
        "entry_hour": "21",
        "stay": "24",
        "channel": "counter",
        "event_id": str(uuid7(NOON)),
    }


def application_of(canary: Canary, number: int) -> dict[str, Any]:
    return {
        "kind": "destination",
        "category": "mill",
        "name": f"第{number}号面粉加工厂",
        "district": "410221",
        "address": f"人民路{number}号院内东侧",
        "gates": "1",
        "contact_name": canary.name,
        "contact_phone": canary.phone,
    }


def evidence_of(canaries: list[Canary]) -> str:
    """A file as the health office sends it."""
    lines = [
        json.dumps(
            {
                "id_number": each.number,
                "value": "negative",
                "taken_at": (NOON - timedelta(hours=3)).isoformat(),
            }
        )
        for each in canaries
    ]
    return "\n".join(lines)
