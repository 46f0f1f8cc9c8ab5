"""The rarer stories: the desk, holds, strangers, and everything that does not agree."""

from datetime import timedelta

from checkpoint.simulation.expectations import Expected
from checkpoint.simulation.pack import TURN_BACK
from checkpoint.simulation.truck import Truck, now

#: Enough for the desk's hour, and for the half hour in which a hold is reviewed.
LONG_AGO = 75


async def is_released_by_the_desk(truck: Truck) -> Expected:
    drive, wait = truck.drive(), truck.between(3, 10)
    at = truck.ago(drive + wait)
    await truck.report(at)
    await truck.enter(at, "yellow")
    await truck.desk("release", at + wait)
    await truck.arrive(at + wait + drive)
    return truck.expects("discharged")


async def is_turned_back(truck: Truck) -> Expected:
    at = truck.ago(timedelta(minutes=10))
    await truck.report(at)
    await truck.enter(at, "yellow")
    await truck.desk("turn_back", at + truck.between(3, 8), TURN_BACK)
    return truck.expects("turned_back")


async def is_turned_back_and_returns(truck: Truck) -> Expected:
    drive, wait = truck.drive(), truck.between(20, 25)
    at = truck.ago(drive + wait, most=40)
    await truck.report(at)
    await truck.enter(at, "yellow")
    await truck.desk("turn_back", at + truck.between(3, 8), TURN_BACK)
    await truck.bring_test(at + truck.between(10, 15))
    await truck.enter(at + wait)
    await truck.arrive(at + wait + drive)
    return truck.expects("discharged")


async def waits_at_the_desk(truck: Truck) -> Expected:
    await truck.report()
    await truck.enter(None, "yellow")
    return truck.expects("verifying")


async def has_a_yellow_code(truck: Truck) -> Expected:
    return await waits_at_the_desk(truck)


async def waits_too_long_at_the_desk(truck: Truck) -> Expected:
    at = now() - truck.between(LONG_AGO, 2 * LONG_AGO)
    await truck.report(at)
    await truck.enter(at, "yellow")
    return truck.expects("verifying", alerts=["desk"])


async def is_held(truck: Truck) -> Expected:
    await truck.report()
    await truck.enter(None, "red")
    return truck.expects("held")


async def is_held_unreviewed(truck: Truck) -> Expected:
    at = now() - truck.between(LONG_AGO, 2 * LONG_AGO)
    await truck.report(at)
    await truck.enter(at, "red")
    return truck.expects("held", alerts=["hold", "takeover"])


async def shows_its_pass_twice(truck: Truck) -> Expected:
    drive = truck.drive()
    at = truck.ago(drive)
    await truck.report(at)
    await truck.enter(at)
    await truck.enter(at + truck.between(1, 3), "duplicate")
    await truck.enter(at + truck.between(4, 9), "duplicate")
    await truck.arrive(at + drive)
    return truck.expects("discharged")


async def has_another_plate_at_the_lane(truck: Truck) -> Expected:
    drive, wait = truck.drive(), truck.between(3, 10)
    at = truck.ago(drive + wait)
    await truck.report(at)
    await truck.enter(at, "yellow", plate_seen=truck.strange_plate)
    await truck.desk("release", at + wait)
    await truck.arrive(at + wait + drive)
    return truck.expects("discharged")


async def reports_with_a_slip(truck: Truck) -> Expected:
    """The last character of the document is wrong: a draft, which the lane knows by its plate."""
    right = truck.person.id_number
    wrong = right[:-1] + ("1" if right[-1] != "1" else "2")
    await truck.report(id_number=wrong)
    await truck.enter(None, "yellow", by_plate=True)
    return truck.expects("verifying")


async def is_unknown_at_the_lane(truck: Truck) -> Expected:
    result = await truck.enter(None, "yellow", by_plate=True)
    truck.movement_id = truck.opened_by(result)
    return truck.expects("verifying", unseen=1)


async def arrives_unknown(truck: Truck) -> Expected:
    result = await truck.arrive(None, "yellow", by_plate=True)
    truck.movement_id = truck.opened_by(result)
    return truck.expects("discrepancy", unseen=1)


async def arrives_past_the_gate(truck: Truck) -> Expected:
    await truck.report()
    await truck.arrive(None, "yellow")
    return truck.expects("discrepancy")


async def arrives_past_the_gate_and_is_confirmed(truck: Truck) -> Expected:
    await truck.report()
    await truck.arrive(None, "yellow")
    await truck.confirm()
    return truck.expects("discharged")


async def comes_to_the_wrong_firm(truck: Truck) -> Expected:
    drive = timedelta(minutes=truck.city.road(truck.gate, truck.other_firm)) + truck.between(2, 9)
    at = truck.ago(drive, most=20)
    await truck.report(at)
    await truck.enter(at)
    await truck.arrive(at + drive, "yellow", firm=truck.other_firm)
    return truck.expects("discrepancy")


async def comes_to_the_wrong_firm_first(truck: Truck) -> Expected:
    drive = truck.drive()
    at = truck.ago(drive)
    await truck.report(at)
    await truck.enter(at)
    await truck.arrive(at + drive / 2, "yellow", firm=truck.other_firm)
    await truck.arrive(at + drive)
    return truck.expects("discharged")


async def is_diverted(truck: Truck) -> Expected:
    road = truck.city.road(truck.gate, truck.other_firm)
    drive = timedelta(minutes=road) + truck.between(5, 15)
    at = truck.ago(drive)
    await truck.report(at)
    await truck.enter(at)
    told = (at + truck.between(4, 9)).isoformat()
    await truck.firm_says(
        "divert", place_id=truck.other_firm.id, reason="仓库已满（示例）", occurred_at=told
    )
    await truck.arrive(at + drive, firm=truck.other_firm)
    return truck.expects("discharged")


async def is_delayed(truck: Truck) -> Expected:
    """Overdue a moment ago, and given another hour by the firm."""
    at = truck.ago(truck.limit, least=10, most=30)
    await truck.report(at)
    await truck.enter(at)
    await truck.firm_says("delay", minutes=60, reason="堵车（示例）")
    return truck.expects("released")


async def mistypes_its_pass(truck: Truck) -> Expected:
    await truck.report()
    last = str((int(truck.number[-1]) + 1) % 10)
    await truck.refused(truck.entry(None, pass_number=truck.number[:-1] + last), "pass_mistyped")
    await truck.enter(None)
    return truck.expects("released")


async def has_an_id_used_twice(truck: Truck) -> Expected:
    """A broken device sends another scan under the id of the first: kept apart, not counted."""
    await truck.report()
    scan = truck.entry(None)
    await truck.send(scan, "green")
    await truck.send(scan | {"plate_seen": truck.strange_plate}, None, status="conflict")
    return truck.expects("released")
