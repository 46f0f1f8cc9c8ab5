"""Guessing the last four of somebody's document: ten tries for life, whatever the worker, the
address and the restart (invariant I7).

Each try comes from a device of its own that remembers the person, so that nothing but the count
of the person stands in the way: "wrong" is a try that was let through.
"""

import asyncio
import http.client
import random
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

import pytest

from kernel.auth import token_hash
from kernel.db import connected
from registry.drivers import MOST_FAILURES
from tests.city import IDS, a_report
from tests.faults.harness import Stand, a_folder

WORKERS = 4
ADDRESSES = 1_000
PEOPLE = 3
SENDERS = 8
FORM_TOKEN = re.compile(r'name="_csrf_token" value="([^"]+)"')
#: Loses the count: what a limit kept in one process does at a restart, and every process on its own.
FORGETS = """
    CREATE FUNCTION registry.forget() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.failures := 0; RETURN NEW; END $$;
    CREATE TRIGGER forget BEFORE UPDATE ON registry.person_attempt
        FOR EACH ROW EXECUTE FUNCTION registry.forget();
"""


@pytest.fixture
def stand() -> Iterator[Stand]:
    with a_folder() as folder:
        made = Stand(folder, workers=WORKERS)
        try:
            yield made
        finally:
            made.end()


async def people_with_devices(stand: Stand) -> dict[UUID, list[str]]:
    now = datetime.now(UTC)
    known: dict[UUID, list[str]] = {}
    async with connected(stand.dsn) as conn:
        for number in IDS[1 : PEOPLE + 1]:
            seen = await a_report(
                conn, stand.city, now, id_number=number, plate=f"豫B6{number[-4:]}"[:7]
            )
            person: UUID = await conn.fetchval(
                "SELECT person_id FROM registry.movement_person WHERE movement_id = $1",
                seen.movement.movement_id,
            )
            known[person] = [f"{person}-{n}" for n in range(ADDRESSES // PEOPLE + 1)]
            await conn.executemany(
                "INSERT INTO registry.driver_device (token_hash, person_id, bound_at, seen_at) "
                "VALUES ($1, $2, $3, $3)",
                [(token_hash(token), person, now - timedelta(days=1)) for token in known[person]],
            )
    return known


def guess(stand: Stand, address: str, token: str, said: str) -> str:
    """One try, as a phone at that address makes it: the page first, then the form."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", stand.port, timeout=20, source_address=(address, 0)
    )
    try:
        connection.request("GET", "/d/again?lang=en", headers={"cookie": f"driver={token}"})
        shown = connection.getresponse()
        form, cookie = FORM_TOKEN.search(shown.read().decode()), shown.getheader("set-cookie") or ""
        assert form is not None
        csrf = re.search(r"csrftoken=([^;]+)", cookie)
        assert csrf is not None
        body = urlencode({"_csrf_token": form[1], "last_four": said})
        connection.request(
            "POST",
            "/d/again?lang=en",
            body,
            {
                "content-type": "application/x-www-form-urlencoded",
                "cookie": f"driver={token}; csrftoken={csrf[1]}",
            },
        )
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, http.client.HTTPException):
        return "cut"
    finally:
        connection.close()
    if answer.status == 303:
        return "right"
    if "no tries left" in text:
        return "used up"
    return "wrong" if "do not match" in text else f"other {answer.status}"


async def attack(stand: Stand, people: dict[UUID, list[str]]) -> dict[UUID, Counter[str]]:
    """From a thousand addresses; a worker is killed and the service started anew on the way."""
    dice = random.Random(20220412)
    addresses = [f"127.{1 + n // 250}.{n % 250}.1" for n in range(ADDRESSES)]
    tries = [(person, token) for person, tokens in people.items() for token in tokens][:ADDRESSES]
    dice.shuffle(tries)
    told: dict[UUID, Counter[str]] = {person: Counter() for person in people}
    work = list(zip(tries, addresses, strict=True))
    third = len(work) // 3

    async def some(part: list[tuple[tuple[UUID, str], str]]) -> None:
        free = asyncio.Semaphore(SENDERS)

        async def one(person: UUID, token: str, address: str) -> None:
            async with free:
                said = f"{dice.randrange(10**4):04d}"
                told[person][await asyncio.to_thread(guess, stand, address, token, said)] += 1

        await asyncio.gather(*(one(person, token, at) for (person, token), at in part))

    await some(work[:third])
    killing = asyncio.create_task(asyncio.to_thread(stand.kill_worker))
    await some(work[third : 2 * third])
    await killing
    await asyncio.to_thread(stand.kill_service)
    await asyncio.to_thread(stand.start_service)
    await some(work[2 * third :])
    return told


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_ten_guesses_a_person_whatever_the_worker_address_and_restart(stand: Stand) -> None:
    await stand.seed()
    people = await people_with_devices(stand)
    stand.start_service()
    told = await attack(stand, people)
    print(f"{ADDRESSES} tries from {ADDRESSES} addresses: {[dict(each) for each in told.values()]}")
    for counts in told.values():
        assert counts["wrong"] + counts["right"] <= MOST_FAILURES
        assert counts["used up"] > ADDRESSES // PEOPLE // 2
    async with connected(stand.dsn) as conn:
        assert await conn.fetchval("SELECT max(failures) FROM registry.person_attempt") <= 10


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_count_that_is_forgotten_is_found(stand: Stand) -> None:
    await stand.seed()
    people = await people_with_devices(stand)
    async with connected(stand.dsn) as conn:
        await conn.execute(FORGETS)
    stand.start_service()
    told = await attack(stand, people)
    print(f"sabotaged: {[dict(each) for each in told.values()]}")
    assert min(counts["wrong"] for counts in told.values()) > MOST_FAILURES
