"""A driver going through the pages over HTTP: what is asked, what is answered."""

from datetime import datetime, timedelta

import httpx

from kernel.db import Connection
from registry.submission import LOCAL
from tests.city import IDS, City
from tests.conftest import NOON
from tests.http import submit
from tests.phones import code_sent

PHONE = "13812345678"
ENTRY = NOON.astimezone(LOCAL)  # 20:00 in Shanghai


def local_time(at: datetime) -> str:
    """As the driver's page takes an hour."""
    return at.astimezone(LOCAL).strftime("%Y-%m-%dT%H:%M")


def answers(city: City) -> dict[str, dict[str, str]]:
    """Page → what a driver without company answers there."""
    return {
        "person": {"name": "李小龙", "id_number": IDS[0], "id_type": "resident"},
        "plate": {"plate": "豫B12345"},
        "way": {
            "origin": "山东省济南市",
            "entry_place_id": str(city.north),
            "stop_1": str(city.mill),
        },
        "times": {"entry_at": local_time(ENTRY + timedelta(hours=1)), "stay": "24"},
        "declare": {"q_symptom": "no", "q_risk_area": "no"},
        "check": {},
    }


class Walk:
    def __init__(self, client: httpx.AsyncClient, conn: Connection, city: City) -> None:
        self.client, self.conn, self.city = client, conn, city
        self.at = "/d/new"

    async def says(self, **fields: str) -> httpx.Response:
        """Answers the page it stands on, and goes where it is led."""
        shown = await self.client.get(self.at)
        assert shown.status_code == 200, (self.at, shown.status_code, shown.text[:500])
        answer = await submit(self.client, shown, self.at, fields)
        if answer.status_code == 303:
            self.at = answer.headers["location"]
        return answer

    async def begins(self, phone: str = PHONE, at: str = "/d/new?first=yes") -> None:
        """To the first page after the code."""
        self.at = at
        assert (await self.says(phone=phone)).status_code == 303
        await self.says(code=await code_sent(self.conn, self.city.office.vault))

    async def reports(self, **changes: dict[str, str]) -> str:
        """The whole way; returns the address of the pass."""
        await self.begins()
        for page, said in (answers(self.city) | changes).items():
            assert self.at.endswith(f"/{page}"), (self.at, page)
            answer = await self.says(**said)
            assert answer.status_code == 303, answer.text
        return self.at
