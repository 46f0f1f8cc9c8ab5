import httpx
import pytest

from kernel.clock import SetClock
from kernel.db import Connection
from tests.city import City
from tests.journeys.day import Day, Headers, an_account


@pytest.fixture
def day(client: httpx.AsyncClient, conn: Connection, city: City, clock: SetClock) -> Day:
    return Day(client, conn, city, clock)


@pytest.fixture
async def registrar(conn: Connection, clock: SetClock) -> Headers:
    return await an_account(conn, "registrar", clock.at)
