"""Officers who hold, approve, hand over and take over, through the API."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx

from closedloop.model import State
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from registry.accounts import create_account, issue_token
from tests.checkpoint.moves import loop_of, verifying
from tests.city import City, add_body
from tests.conftest import NOON
from tests.journeys.day import Headers, bearer


class Office:
    """Officers by name, each with a token, and what they send."""

    def __init__(self, client: httpx.AsyncClient, conn: Connection, city: City, clock: SetClock):
        self.client, self.conn, self.city, self.clock = client, conn, city, clock
        self.known: dict[str, Headers] = {}
        self.movement_id, self.hold_id = 0, ""
        self.body = 0

    async def hire(self, name: str, role: str, place_id: int | None = None) -> None:
        account_id = await create_account(
            self.conn,
            login=f"{name}-{uuid4().hex}",
            password_hash="x",
            name=name,
            roles={role},
            place_id=place_id,
            district=None,
            now=NOON,
        )
        token = await issue_token(self.conn, account_id=account_id, label="test", now=NOON)
        self.known[name] = bearer(token)

    async def post(self, path: str, by: str, **said: Any) -> httpx.Response:
        self.clock.at += timedelta(minutes=1)
        body = {"id": str(uuid7(self.clock.at))} | said
        headers = self.known.get(by, {})
        return await self.client.post(f"/api/v1{path}", json=body, headers=headers)

    async def say(self, what: str, by: str, **said: Any) -> httpx.Response:
        return await self.post(f"/holds/{self.hold_id}/{what}", by, **said)

    async def hold(self, by: str = "desk", **said: Any) -> httpx.Response:
        asked = {"movement_id": self.movement_id, "source": "令7号", "reason": self.reason} | said
        answer = await self.post("/holds", by, **asked)
        if answer.status_code == 200:
            self.hold_id = answer.json()["hold"]["id"]
        return answer

    async def state(self) -> State:
        return (await loop_of(self.conn, self.movement_id)).state

    async def set_up(self) -> None:
        city = self.city
        await self.hire("desk", "desk", city.north)
        await self.hire("south", "desk", city.south)
        for name in ("duty", "second", "third"):
            await self.hire(name, "duty")
        self.body = await add_body(self.conn, NOON)
        await self.hire("clinic", "receiver", self.body)
        await self.hire("other clinic", "receiver", await add_body(self.conn, NOON))
        self.movement_id = await verifying(self.conn, city)
        rules = (await city.office.cache.now(self.conn)).rules_at(NOON)
        self.reason = rules.hold_reasons[0].code
