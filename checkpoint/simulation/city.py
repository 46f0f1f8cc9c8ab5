"""The demo city as the simulator stands in it: its places, a device at each, and the staff."""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
from msgspec import Struct

from checkpoint.simulation.wire import Device, Tally, Wire, unexpected
from registry.demo_city import made_up_minutes
from registry.demo_logins import FILE, Secrets

TIMEOUT = httpx.Timeout(30)
STAFF = ("registrar", "desk", "duty")
NO_LOGINS = (
    "{file} is missing. Start the server with `checkpoint serve --demo`, and name its data "
    "directory with --data."
)
NOT_TAKEN = "The server does not take the password of {role} in {file}."
FORM_TOKEN = re.compile(r'name="_csrf_token" value="([^"]+)"')


class NoDemoCityError(RuntimeError):
    """There is nothing to drive through; the text says what to do."""


class Spot(Struct, frozen=True):
    name: str
    device: Device

    @property
    def id(self) -> int:
        return self.device.place_id


class City(Struct, frozen=True, kw_only=True):
    gates: Sequence[Spot]
    firms: Sequence[Spot]
    #: The checkpoint whose verification desk we have the log-in of.
    desk_gate: Spot
    public: Wire
    registrar: Wire
    desk: Wire
    duty: Wire
    tally: Tally

    def road(self, a: Spot, b: Spot) -> int:
        """Minutes."""
        return made_up_minutes(a.name, b.name)


@asynccontextmanager
async def entered(url: str, data_dir: Path, connections: int) -> AsyncGenerator[City]:
    """Raises NoDemoCityError where the log-ins are not those of the server's demo city."""
    kept = Secrets(data_dir).known
    if not kept:
        raise NoDemoCityError(NO_LOGINS.format(file=data_dir / FILE))
    tally = Tally()
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=url, timeout=TIMEOUT, limits=limits)
        )
        staff: dict[str, Wire] = {}
        for role in STAFF:
            own = httpx.AsyncClient(base_url=url, timeout=TIMEOUT, limits=limits)
            await stack.enter_async_context(own)
            password, _ = kept.get(f"login {role}", ("", ""))
            staff[role] = await _logged_in(own, tally, role, password)
        public = Wire(http, tally, {})
        gates = await _spots(public, kept, "checkpoint", "lane")
        _, desk_stands_at = kept["login desk"]
        yield City(
            gates=gates,
            firms=await _spots(public, kept, "destination", "firm"),
            desk_gate=next(gate for gate in gates if gate.name == desk_stands_at),
            public=public,
            registrar=staff["registrar"],
            desk=staff["desk"],
            duty=staff["duty"],
            tally=tally,
        )


async def _logged_in(http: httpx.AsyncClient, tally: Tally, role: str, password: str) -> Wire:
    shown = await http.get("/login")
    found = FORM_TOKEN.search(shown.text)
    if found is None:
        raise unexpected("GET", "/login", shown.status_code, shown.text)
    form = {"_csrf_token": found[1], "login": role, "password": password}
    answer = await http.post("/login", data=form)
    if answer.status_code != 303:
        raise NoDemoCityError(NOT_TAKEN.format(role=role, file=FILE))
    cookies = {cookie.name.removeprefix("__Host-"): cookie.value for cookie in http.cookies.jar}
    return Wire(http, tally, {"x-csrftoken": cookies.get("csrftoken") or ""})


async def _spots(
    public: Wire, kept: dict[str, tuple[str, str]], kind: str, role: str
) -> list[Spot]:
    """Places of the demo only: those whose device's token is kept."""
    listed = (await public.get("/places", kind=kind))["places"]
    return [
        Spot(place["name"], Device(place["id"], _own_wire(public, kept[key][0])))
        for place in listed
        if (key := f"token {role}-{place['name']}") in kept
    ]


def _own_wire(public: Wire, token: str) -> Wire:
    return Wire(public.http, public.tally, {"Authorization": f"Bearer {token}"})
