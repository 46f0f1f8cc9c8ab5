"""Which routes can wait: each is looked at, so that a new one is not forgotten."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from checkpoint.office_work import OFFICE, can_wait
from tests.city import City

#: Whatever a truck, its driver or whoever lets it through waits for.
NEVER = (
    "/",
    "/api/openapi.json",
    "/api/v1/movements",
    "/api/v1/passes/keys",
    "/api/v1/places",
    "/api/v1/rules",
    "/api/v1/scans",
    "/api/v1/transport-passes",
    "/apply",
    "/assist",
    "/d/",
    "/desk",
    "/duty/events",
    "/gate",
    "/holds",
    "/api/v1/holds",
    "/healthz",
    "/invite/",
    "/login",
    "/me",
    "/metrics",
    "/paper",
    "/places",
    "/readyz",
    "/receive",
    "/static",
    "/status",
    "/t/",
    "/transport/",
)


def _read(app: Litestar) -> set[str]:
    routes = [route for route in app.routes if isinstance(route, HTTPRoute)]
    return {route.path_format for route in routes if "GET" in route.methods}


async def test_each_reading_route_is_sorted(app: Litestar):
    unsorted = [path for path in _read(app) if not can_wait(path) and not path.startswith(NEVER)]
    assert unsorted == []


@pytest.mark.parametrize("prefix", OFFICE)
async def test_each_prefix_is_that_of_a_route(app: Litestar, prefix: str):
    assert any(path.startswith(prefix) for path in _read(app))


@pytest.mark.parametrize("path", ["/gate", "/desk", "/api/v1/scans", "/d/{pass_ref}", "/t/{code}"])
def test_lanes_and_drivers_never_wait(path: str):
    assert not can_wait(path)


def test_a_form_of_an_office_stands_under_an_address_that_could_wait():
    assert can_wait("/reg/applications")


async def test_a_page_of_an_office_is_held_back_and_a_lane_is_not(
    app: Litestar, logged_in: Callable[..., Awaitable[httpx.AsyncClient]], city: City
):
    duty, lane = await logged_in("duty"), await logged_in("lane", city.north)
    app.state.pressure.note(60_000)
    try:
        held_back = await duty.get("/duty")
        served = await lane.get("/gate")
    finally:
        app.state.pressure.forget()
    assert (held_back.status_code, served.status_code) == (503, 200)
    assert "紧急业务优先" in held_back.text
    assert (await duty.get("/duty")).status_code == 200
