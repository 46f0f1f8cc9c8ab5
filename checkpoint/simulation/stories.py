"""The stories: what may happen to a truck on its day, each with its end.

A story drives its truck and then says what the city must know of it. Arrivals that are to count
are uploaded with times that the road allows: a live arrival right after a live entry is one that
came too early, which is a story of its own.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from msgspec import Struct

from checkpoint.simulation import scenes
from checkpoint.simulation.expectations import Expected
from checkpoint.simulation.truck import Truck

Run = Callable[[Truck], Awaitable[Expected]]


class Story(Struct, frozen=True, kw_only=True):
    """`test`: hours since the proof that all must bring, None for none. `code`: how the list
    names the driver. `share`: how often, against the others.
    """

    run: Run
    share: int
    test: int | None = 12
    code: str = ""
    at_desk: bool = False

    @property
    def name(self) -> str:
        return self.run.__name__


async def arrives(truck: Truck) -> Expected:
    drive = truck.drive()
    at = truck.ago(drive)
    await truck.report(at)
    await truck.enter(at, by_plate=truck.dice.random() < 0.2)
    await truck.arrive(at + drive, by_plate=truck.dice.random() < 0.2)
    return truck.expects("discharged")


async def arrives_late(truck: Truck) -> Expected:
    drive = truck.drive(late=True)
    at = truck.ago(drive, most=30)
    await truck.report(at)
    await truck.enter(at)
    await truck.arrive(at + drive)
    return truck.expects("discharged", late=True)


async def vanishes(truck: Truck) -> Expected:
    """Its release was uploaded just now, so the ladder keeps quiet; but it is overdue."""
    at = truck.ago(truck.limit, least=10)
    await truck.report(at)
    await truck.enter(at)
    return truck.expects("overdue")


async def is_on_the_road(truck: Truck) -> Expected:
    await truck.report()
    await truck.enter(None)
    return truck.expects("released")


async def reports_only(truck: Truck) -> Expected:
    await truck.report()
    return truck.expects("issued")


async def comes_too_early(truck: Truck) -> Expected:
    await truck.report()
    await truck.enter(None)
    await truck.arrive(None, "yellow")
    return truck.expects("discrepancy")


async def comes_too_early_and_is_confirmed(truck: Truck) -> Expected:
    await truck.report()
    await truck.enter(None)
    await truck.arrive(None, "yellow")
    await truck.confirm()
    return truck.expects("discharged")


async def is_uploaded_twice_and_shuffled(truck: Truck) -> Expected:
    drive = truck.drive()
    at = truck.ago(drive)
    await truck.report(at)
    scans = [truck.entry(at), truck.arrival(at + drive)]
    truck.dice.shuffle(scans)
    for scan in scans:
        early = scan["kind"] == "arrival" and scan is scans[0]
        await truck.send(scan, "yellow" if early else "green")
    truck.dice.shuffle(scans)
    for scan in scans:
        await truck.send(scan, "green", status="repeated")
    return truck.expects("discharged")


async def has_two_stops(truck: Truck) -> Expected:
    first = timedelta(minutes=truck.road) + truck.between(2, 10)
    onward = timedelta(minutes=truck.city.road(truck.firm, truck.other_firm))
    onward += truck.between(2, 10)
    at = truck.ago(first + onward, most=15)
    await truck.report(at, stops=[truck.firm.id, truck.other_firm.id])
    await truck.enter(at)
    await truck.arrive(at + first)
    await truck.arrive(at + first + onward, firm=truck.other_firm)
    return truck.expects("discharged")


async def has_a_second_stop_to_go(truck: Truck) -> Expected:
    drive = timedelta(minutes=truck.road) + truck.between(2, 10)
    at = truck.ago(drive, most=20)
    await truck.report(at, stops=[truck.firm.id, truck.other_firm.id])
    await truck.enter(at)
    await truck.arrive(at + drive)
    return truck.expects("released")


STORIES = (
    Story(run=arrives, share=40),
    Story(run=arrives_late, share=8),
    Story(run=vanishes, share=8),
    Story(run=is_on_the_road, share=5),
    Story(run=reports_only, share=2),
    Story(run=comes_too_early, share=3),
    Story(run=comes_too_early_and_is_confirmed, share=3),
    Story(run=is_uploaded_twice_and_shuffled, share=8),
    Story(run=has_two_stops, share=5),
    Story(run=has_a_second_stop_to_go, share=3),
    Story(run=scenes.is_released_by_the_desk, share=6, test=None, at_desk=True),
    Story(run=scenes.is_turned_back_and_returns, share=5, test=None, at_desk=True),
    Story(run=scenes.is_turned_back, share=2, test=None, at_desk=True),
    Story(run=scenes.waits_at_the_desk, share=2, test=60),
    Story(run=scenes.waits_too_long_at_the_desk, share=2, test=None),
    Story(run=scenes.has_a_yellow_code, share=2, code="yellow"),
    Story(run=scenes.is_held, share=3, code="red"),
    Story(run=scenes.is_held_unreviewed, share=2, code="red"),
    Story(run=scenes.shows_its_pass_twice, share=4),
    Story(run=scenes.has_another_plate_at_the_lane, share=3, at_desk=True),
    Story(run=scenes.reports_with_a_slip, share=2),
    Story(run=scenes.is_unknown_at_the_lane, share=2),
    Story(run=scenes.arrives_unknown, share=3),
    Story(run=scenes.arrives_past_the_gate, share=2),
    Story(run=scenes.arrives_past_the_gate_and_is_confirmed, share=2),
    Story(run=scenes.comes_to_the_wrong_firm, share=3),
    Story(run=scenes.comes_to_the_wrong_firm_first, share=3),
    Story(run=scenes.is_diverted, share=2),
    Story(run=scenes.is_delayed, share=2),
    Story(run=scenes.mistypes_its_pass, share=2),
    Story(run=scenes.has_an_id_used_twice, share=2),
)
