"""A truck's day over HTTP: whoever acts in it has a device or an account of their own."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import msgspec

from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from registry.accounts import create_account, create_device, issue_token
from tests.city import City, a_submission, add_proof

Json = dict[str, Any]
Headers = dict[str, str]


def bearer(token: str) -> Headers:
    return {"authorization": f"Bearer {token}"}


async def an_account(conn: Connection, role: str, now: datetime) -> Headers:
    account_id = await create_account(
        conn,
        login=uuid4().hex,
        password_hash="x",
        name="某人",
        roles={role},
        place_id=None,
        district=None,
        now=now,
    )
    return bearer(await issue_token(conn, account_id=account_id, label="test", now=now))


async def a_device(conn: Connection, role: str, place_id: int, now: datetime) -> Headers:
    device = await create_device(conn, name=role, place_id=place_id, role=role, now=now)
    return bearer(await issue_token(conn, device_id=device, label="test", now=now))


class Day:
    """The clock stands still but for `after`."""

    def __init__(
        self, client: httpx.AsyncClient, conn: Connection, city: City, clock: SetClock
    ) -> None:
        self.client, self.conn, self.city, self.clock = client, conn, city, clock
        self.lane, self.firm = bearer(city.lane_token), bearer(city.firm_token)
        self.began = clock.at
        self.movement: Json = {}

    def after(self, minutes: float) -> datetime:
        """Counted from the beginning of the day."""
        self.clock.at = self.began + timedelta(minutes=minutes)
        return self.clock.at

    async def report(self, *, tested: bool = True, **changes: Any) -> Json:
        said = a_submission(self.city, self.clock.at, **changes)
        if tested:
            taken = self.clock.at - timedelta(hours=5)
            vault = self.city.office.vault
            await add_proof(self.conn, vault, "test", "negative", taken, said.id_number)
        body = msgspec.to_builtins(said) | {"id": str(uuid7(self.clock.at))}
        answer = await self.client.post("/api/v1/movements", json=body)
        assert answer.status_code == 201, answer.text
        self.movement = answer.json()
        return self.movement

    def scan(self, kind: str, place: int, **changes: Any) -> Json:
        known = self.movement.get("pass_number")
        shown = {"pass_number": known} if known and "plate" not in changes else {}
        return {
            "id": str(uuid7(self.clock.at)),
            "kind": kind,
            "place_id": place,
            "gate": "1",
            "occurred_at": self.clock.at.isoformat(),
            **shown,
            **changes,
        }

    def entry(self, **changes: Any) -> Json:
        return self.scan("entry", self.city.north, **changes)

    def arrival(self, place: int | None = None, **changes: Any) -> Json:
        return self.scan("arrival", place or self.city.mill, **changes)

    async def send(self, headers: Headers, *scans: Any) -> list[Json]:
        answer = await self.client.post(
            "/api/v1/scans", json={"scans": list(scans)}, headers=headers
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["results"]

    async def enters(self, **changes: Any) -> Json:
        return (await self.send(self.lane, self.entry(**changes)))[0]

    async def arrives(self, **changes: Any) -> Json:
        return (await self.send(self.firm, self.arrival(**changes)))[0]

    async def acts(self, headers: Headers, kind: str, **more: Any) -> httpx.Response:
        body = {"id": str(uuid7(self.clock.at)), "kind": kind} | more
        path = f"/api/v1/movements/{self.movement['id']}/events"
        return await self.client.post(path, json=body, headers=headers)

    async def duty(self) -> Callable[..., Any]:
        """Asks as the duty officer: `await ask("/loops", state="overdue")`."""
        headers = await an_account(self.conn, "duty", self.clock.at)

        async def ask(path: str, **query: Any) -> Json:
            answer = await self.client.get(f"/api/v1{path}", params=query, headers=headers)
            assert answer.status_code == 200, answer.text
            return answer.json()

        return ask
