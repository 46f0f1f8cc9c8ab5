"""One truck of the simulation: what it and the devices it meets send, and what must come of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from checkpoint.simulation.city import City, Spot
from checkpoint.simulation.expectations import Expected, limit
from checkpoint.simulation.pack import DECLARED, GOOD, GOODS, RECORD
from checkpoint.simulation.people import People
from checkpoint.simulation.wire import Json, Wire
from kernel.clock import SystemClock
from kernel.ids import uuid7
from registry.demo_city import FIRM_GATES, LANES

#: A report may name a time that is past by six hours at most.
EARLIEST = timedelta(hours=5, minutes=45)
#: So wrong are the clocks of some devices; each knows by how much.
SKEWS = (0, 0, 0, -540, -75, 40, 1800)


def now() -> datetime:
    return SystemClock().now()


class Truck:
    """Times are aware; `at=None` means live, else uploaded later by a device that was offline."""

    def __init__(
        self, city: City, story: str, people: People, dice: Random, *, at_desk: bool
    ) -> None:
        self.city, self.story, self.dice = city, story, dice
        self.person, self.strange_plate = people.make(), people.plate()
        self.gate = city.desk_gate if at_desk else dice.choice(city.gates)
        self.firm, self.other_firm = dice.sample(city.firms, 2)
        self.movement_id = 0
        self.number = ""
        self.ids: set[str] = set()
        self.cards: dict[str, str] = {}
        #: What a device was answered and should not have been.
        self.surprises: list[str] = []

    @property
    def road(self) -> int:
        return self.city.road(self.gate, self.firm)

    @property
    def limit(self) -> timedelta:
        return limit(self.road)

    def drive(self, *, late: bool = False) -> timedelta:
        """From the gate to the firm: no faster than the road allows, in time or too late."""
        if late:
            return self.limit + self.between(5, 40)
        road = timedelta(minutes=self.road + 2)
        return road + self.dice.random() * (self.limit - road - timedelta(minutes=5))

    def between(self, least: float, most: float) -> timedelta:
        return timedelta(minutes=self.dice.uniform(least, most))

    def ago(self, whole: timedelta, least: float = 6, most: float = 60) -> datetime:
        """When something that took so long began, if it ended a while ago."""
        return now() - whole - self.between(least, most)

    async def report(self, at: datetime | None = None, **changes: object) -> Json:
        """`at`: when the truck will have come to the gate."""
        person, entry_at = self.person, max(at or now(), now() - EARLIEST)
        body: Json = {
            "id": self._new_id(),
            "name": person.name,
            "id_number": person.id_number,
            "phone": person.phone,
            "plate": person.plate,
            "origin": person.origin,
            "entry_place_id": self.gate.id,
            "expected_entry_at": entry_at.isoformat(),
            "expected_exit_at": (entry_at + timedelta(hours=30)).isoformat(),
            "declared": DECLARED,
            "stops": [self.firm.id],
            "goods": GOODS,
        }
        answer = await self.city.public.post("/movements", body | changes)
        self.movement_id, self.number = answer["id"], answer["pass_number"] or ""
        return answer

    def entry(self, at: datetime | None, *, by_plate: bool = False, **more: object) -> Json:
        scan = self._scan("entry", self.gate, at, by_plate=by_plate)
        return scan | {"gate": self.dice.choice(LANES)} | more

    def arrival(
        self, at: datetime | None, *, firm: Spot | None = None, by_plate: bool = False
    ) -> Json:
        scan = self._scan("arrival", firm or self.firm, at, by_plate=by_plate)
        return scan | {"gate": self.dice.choice(FIRM_GATES)}

    async def send(self, scan: Json, card: str | None, *, status: str = "recorded") -> Json:
        """What is uploaded goes with whatever else the device has to send."""
        spots = (*self.city.gates, *self.city.firms)
        device = next(spot.device for spot in spots if spot.id == scan["place_id"])
        result = await (device.upload(scan) if scan["offline"] else device.send(scan))
        self.ids.add(scan["id"])
        if scan["kind"] == "entry" and status == "recorded" and card is not None:
            self.cards[scan["id"]] = card
        said = (result["status"], result["card"])
        if said != (status, card):
            wrong = f"{said} ({result['code']}), expected {(status, card)}"
            self.surprises.append(f"{self.story} {self.movement_id}: {scan['kind']} gave {wrong}")
        return result

    async def refused(self, scan: Json, code: str) -> None:
        """The lane shows that this is none of our passes; nothing is kept of it."""
        result = await self.gate.device.send(scan)
        if (result["status"], result["card"], result["code"]) != ("refused", "wrong_code", code):
            self.surprises.append(f"{self.story} {self.movement_id}: {code} was not refused")

    async def enter(self, at: datetime | None, card: str = "green", **more: Any) -> Json:  # noqa: ANN401
        return await self.send(self.entry(at, **more), card)

    async def arrive(self, at: datetime | None, card: str = "green", **more: Any) -> Json:  # noqa: ANN401
        return await self.send(self.arrival(at, **more), card)

    async def desk(self, outcome: str, at: datetime, reason: str = "") -> None:
        act = {"outcome": outcome, "reason": reason, "occurred_at": at.isoformat()}
        proof = {"proof": "纸质证明（示例）"} if outcome == "release" else {}
        await self._act(self.city.desk, "desk", **act, **proof)

    async def bring_test(self, taken_at: datetime) -> None:
        await self.city.registrar.import_rows(
            RECORD,
            [{"id_number": self.person.id_number, "value": GOOD, "taken_at": taken_at}],
        )

    async def confirm(self, firm: Spot | None = None) -> None:
        await self._act((firm or self.firm).device.wire, "confirm")

    async def firm_says(self, kind: str, **more: object) -> None:
        await self._act(self.firm.device.wire, kind, **more)

    def opened_by(self, result: Json) -> int:
        """The movement that the city made for a truck which nobody had reported."""
        return int(result["movement"]["id"]) if result["movement"] else 0

    def expects(
        self, state: str, *, late: bool = False, alerts: Sequence[str] = (), unseen: int = 0
    ) -> Expected:
        """`unseen`: events that the city wrote by itself."""
        return Expected(
            story=self.story,
            movement_id=self.movement_id,
            state=state,
            late=late,
            events=len(self.ids) + unseen,
            cards=self.cards,
            alerts=frozenset(alerts),
        )

    async def _act(self, wire: Wire, kind: str, **more: object) -> None:
        body = {"id": self._new_id(), "kind": kind} | more
        await wire.post(f"/movements/{self.movement_id}/events", body)

    def _new_id(self) -> str:
        made = str(uuid7(now()))
        self.ids.add(made)
        return made

    def _scan(self, kind: str, spot: Spot, at: datetime | None, *, by_plate: bool) -> Json:
        skew = 0 if at is None else self.dice.choice(SKEWS)
        shown = (at or now()) - timedelta(seconds=skew)
        known = not by_plate and self.number
        return {
            "id": str(uuid7(shown)),
            "kind": kind,
            "place_id": spot.id,
            "occurred_at": shown.isoformat(),
            "sequence": spot.device.next_sequence(),
            "clock": {"offset": skew * 1000},
            "offline": at is not None,
            **({"pass_number": self.number} if known else {"plate": self.person.plate}),
        }
