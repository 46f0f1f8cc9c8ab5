"""What a truck's facts come to, told once more and plainly: the measure for the life of movements.

It shares no code with the loop. Facts are taken in the order in which they occurred.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)
ROAD, LIMIT, STAND, CONFIRM, DESK, GRACE = (n * MINUTE for n in (30, 75, 60, 60, 60, 15))
OUTSIDE = {"draft", "issued", "presented", "verifying", "turned_back", "cancelled"}


@dataclass
class Fact:
    kind: str
    at: datetime
    received: datetime
    places: tuple[int, ...] = ()
    place: int = 0
    word: str = ""
    blocked: bool = False
    other_plate: bool = False
    minutes: int = 0
    doubt: timedelta = timedelta()


@dataclass
class Leg:
    place: int
    due: datetime | None = None
    number: int = 0
    claimed: datetime | None = None
    arrived: datetime | None = None
    closed: bool = False
    late: bool = False


@dataclass
class Story:
    state: str = "draft"
    since: datetime | None = None
    legs: list[Leg] = field(default_factory=list)
    attempt: int = 0
    holds: int = 0
    released: datetime | None = None
    quiet: datetime | None = None
    carded: tuple[str, datetime] | None = None
    extended: bool = False

    @property
    def leg(self) -> Leg | None:
        return next((leg for leg in self.legs if not leg.closed), None)

    def turn(self, state: str, fact: Fact) -> None:
        self.state, self.since = state, fact.at

    def _report(self, fact: Fact) -> None:
        if self.released is None:
            self.legs = [Leg(place) for place in fact.places]
        if self.state in {"draft", "issued"}:
            self.turn("draft" if fact.blocked else "issued", fact)

    def _cancel(self, fact: Fact) -> None:
        if self.state in {"draft", "issued", "turned_back"}:
            self.turn("cancelled", fact)

    def _entry(self, fact: Fact) -> None:
        if fact.word != "duplicate":
            self.carded = (fact.word, fact.at)
        if self.state in OUTSIDE:
            self.attempt += 1
            waits = {"yellow": "verifying", "white": "turned_back", "duplicate": "presented"}
            if fact.word in waits:
                self.turn(waits[fact.word], fact)
            elif fact.word == "green":
                self._release(fact)
        if fact.word == "red" and self.state not in {"discharged", "held"}:
            self.holds += 1
            self.turn("held", fact)

    def _desk(self, fact: Fact) -> None:
        if self.state in OUTSIDE:
            self._release(fact) if fact.word == "release" else self.turn("turned_back", fact)

    def _end_hold(self, fact: Fact) -> None:
        if self.state == "held":
            self._release(fact)

    def _release(self, fact: Fact) -> None:
        if self.released is None and fact.places:
            self.legs = [Leg(place) for place in fact.places]
        self.released = fact.at
        self.quiet = fact.received + GRACE if fact.received - fact.at > 2 * MINUTE else None
        self.turn("released" if self.leg else "exit_pending", fact)
        self._start(fact.at)

    def _start(self, at: datetime) -> None:
        if self.leg:
            self.leg.due, self.leg.number = at + LIMIT, self.leg.number + 1

    def _delay(self, fact: Fact) -> None:
        if self.state == "released" and self.leg and self.leg.due and not self.extended:
            self.leg.due = max(self.leg.due, fact.at) + fact.minutes * MINUTE
            self.leg.number, self.extended = self.leg.number + 1, True

    def _arrive(self, fact: Fact) -> None:
        leg = next((leg for leg in self.legs if leg.place == fact.place), None)
        if leg is None:
            if self.state not in {"discharged", "exit_pending", "held"} and fact.word != "C":
                self.turn("discrepancy", fact)
        elif fact.word == "C":
            leg.claimed = leg.claimed or (None if leg.closed else fact.at)
        elif self.state == "held" and not leg.closed:
            if fact.word != "firm":
                leg.arrived = fact.at
                leg.late = leg.due is not None and leg.arrived > leg.due
        elif not leg.closed:
            settles = fact.word == "firm" and leg.arrived is not None
            if not settles:
                leg.arrived = (fact.word == "firm" and leg.claimed) or fact.at
                leg.late = leg.due is not None and leg.arrived > leg.due
            if not settles and self._disagrees(leg, fact):
                self.turn("discrepancy", fact)
            else:
                leg.closed = True
                self.turn("released" if self.leg else "discharged", fact)
                self._start(fact.at + STAND)

    def _disagrees(self, leg: Leg, fact: Fact) -> bool:
        if fact.other_plate or self.released is None:
            return True
        elsewhere = [other.arrived for other in self.legs if other is not leg and other.arrived]
        assert leg.arrived is not None
        return leg.arrived + fact.doubt < max([self.released, *elsewhere]) + ROAD

    def limits(self) -> set[tuple[int, str, int, datetime]]:
        """Stop, limb, number and the time from which it may be flagged."""
        found: list[tuple[int, str, int, datetime]] = []
        for number, leg in enumerate(self.legs):
            if self.state in {"released", "discrepancy"} and not leg.closed:
                if leg is self.leg and leg.due and (self.state == "released" or not leg.arrived):
                    found.append((number, "arrival", leg.number, leg.due))
                if waits := leg.arrived or leg.claimed:
                    found.append((number, "confirmation", max(1, leg.number), waits + CONFIRM))
        if self.since and self.state == "held":
            found += [
                (0, limb, self.holds, self.since + minutes * MINUTE)
                for limb, minutes in (("hold", 30), ("takeover", 60), ("expiry", 240))
            ]
        if self.since and self.state == "verifying":
            found.append((0, "desk", self.attempt, self.since + DESK))
        return {(n, limb, no, max(due, self.quiet or due)) for n, limb, no, due in found}


def tell(facts: list[Fact]) -> Story:
    story = Story()
    for fact in sorted(facts, key=lambda fact: fact.at):
        getattr(story, f"_{fact.kind}")(fact)
    return story
