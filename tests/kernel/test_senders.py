"""Messages to telephones: on a real PostgreSQL, to a real gateway on loopback."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta

import msgspec
import pytest

from checkpoint.app import FLOORS, ROOT
from kernel import senders
from kernel.db import Connection, Pool, open_pool
from kernel.i18n import load_catalogues
from kernel.outbox import post
from kernel.privacy import Vault
from kernel.senders import (
    GIVES_UP_AFTER,
    LEASE,
    MOST_AT_ONCE,
    SEND_SECONDS,
    Addressed,
    Letter,
    Waiting,
    channel,
    given_up_since,
    to_console,
)
from tests.kernel.gateway import NOW, PHONE, SECRET, Gateway, House, listening

SECOND = timedelta(seconds=1)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with listening() as made:
        yield made


@pytest.fixture
async def pool(cloned: str) -> AsyncIterator[Pool]:  # pyright: ignore[reportIncompatibleVariableOverride]
    made = await open_pool(cloned, size=4)
    yield made
    await made.close()


@pytest.fixture
def house(pool: Pool, vault: Vault, gateway: Gateway) -> House:
    return House(pool, vault, gateway)


@pytest.fixture(autouse=True)
def worded() -> None:
    load_catalogues([ROOT / floor / "locale" for floor in FLOORS])


async def test_a_letter_is_sent_once_then_marked_and_its_sealed_text_is_gone(house: House) -> None:
    await house.posts("471193")
    assert await house.sends() == 1
    assert await house.sends(NOW + 2 * GIVES_UP_AFTER) == 0
    (letter,) = house.gateway.letters
    assert (letter["kind"], letter["to"]) == ("phone_code", PHONE)
    assert "471193" in letter["text"]
    row = await house.row("471193")
    assert (row["sent_at"], row["gave_up_at"], row["sealed"]) == (NOW, None, False)


async def test_it_is_written_in_the_language_of_whoever_gets_it(house: House) -> None:
    await house.posts("111111", lang="zh")
    await house.posts("222222", lang="en")
    await house.sends()
    texts = {letter["text"].isascii() for letter in house.gateway.letters}
    assert texts == {True, False}


async def test_a_crash_before_the_mark_sends_again_under_the_same_id_when_the_lease_is_over(
    house: House,
) -> None:
    await house.posts("471193")

    async def and_dies(letter: Letter) -> None:
        await house.send(letter)
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await house.sends(send=and_dies)
    assert await house.sends(NOW + LEASE - SECOND) == 0
    assert len(house.gateway.letters) == 1
    assert await house.sends(NOW + LEASE) == 1
    assert len(house.gateway.letters) == 2
    assert len(house.gateway.twice()) == 1
    assert not (await house.row("471193"))["sealed"]


async def two_senders_at_once(house: House) -> None:
    """The second begins while the first has claimed and marked nothing yet."""
    claimed, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(letter: Letter) -> None:
        claimed.set()
        await go_on.wait()
        await house.send(letter)

    first = asyncio.create_task(house.sends(send=slowly))
    await claimed.wait()
    await house.sends()
    go_on.set()
    await first


async def test_two_senders_at_once_send_no_letter_twice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(senders, "SEND_SECONDS", 60)  # a busy machine puts none off
    codes = [f"{n:06d}" for n in range(2 * MOST_AT_ONCE)]
    await house.posts(*codes)
    await two_senders_at_once(house)
    assert len(house.gateway.letters) == len(codes)
    assert house.gateway.twice() == []


async def test_a_claim_without_its_lease_is_found_by_the_test_above(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sabotaged twin."""

    async def without_lease(conn: Connection, now: datetime) -> list[Waiting]:
        rows = await conn.fetch(
            """
            UPDATE kernel.outbox SET attempts = attempts + 1
             WHERE by_phone AND sent_at IS NULL AND gave_up_at IS NULL AND next_at <= $1
            RETURNING id, kind, recipient, facts, sealed, created_at, attempts
            """,
            now,
        )
        return [msgspec.convert(dict(row), Waiting) for row in rows]

    monkeypatch.setattr(senders, "_claim", without_lease)
    await house.posts("471193", "471194")
    await two_senders_at_once(house)
    assert len(house.gateway.twice()) == 2


def test_a_batch_is_through_before_its_lease_is_over() -> None:
    acquiring = 2
    assert MOST_AT_ONCE * (SEND_SECONDS + acquiring) < LEASE.total_seconds()


async def test_a_gateway_that_fails_is_tried_again_with_growing_pauses(house: House) -> None:
    await house.posts("471193")
    house.gateway.answers = [500, 503, 404, 429]
    now, pauses = NOW, list[timedelta]()
    for _ in range(4):
        assert await house.sends(now) == 0
        row = await house.row("471193")
        assert (row["sent_at"], row["gave_up_at"], row["sealed"]) == (None, None, True)
        assert await house.sends(row["next_at"] - SECOND) == 0
        pauses.append(row["next_at"] - now)
        now = row["next_at"]
    assert pauses == sorted(set(pauses))
    assert await house.sends(now) == 1
    assert len(house.gateway.letters) == 5
    assert len(house.gateway.twice()) == 1


async def test_a_silent_gateway_is_left_and_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(senders, "SEND_SECONDS", 0.2)
    await house.posts("471193")
    house.gateway.silence = True
    assert await house.sends() == 0
    assert (await house.row("471193"))["sealed"]
    house.gateway.silence = False
    monkeypatch.undo()
    assert await house.sends(NOW + LEASE) == 1


async def test_after_a_day_it_is_given_up_and_what_was_sealed_goes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.posts("471193")
    monkeypatch.setattr(house.gateway, "answers", [500] * 100)
    now = NOW
    while (row := await house.row("471193"))["gave_up_at"] is None:
        now = row["next_at"]
        assert await house.sends(now) == 0
    assert now - NOW > GIVES_UP_AFTER
    assert now - NOW <= GIVES_UP_AFTER + senders.LONGEST_PAUSE
    assert (row["sent_at"], row["sealed"]) == (None, False)
    tried = len(house.gateway.letters)
    assert await house.sends(now + GIVES_UP_AFTER) == 0
    assert len(house.gateway.letters) == tried
    async with house.pool.acquire() as conn:
        assert await given_up_since(conn, now - SECOND) == 1
        assert await given_up_since(conn, now) == 0


async def test_what_was_sent_proves_who_sent_it_and_that_nothing_was_changed(house: House) -> None:
    await house.posts("471193")
    await house.sends()
    ((_, headers, body),) = house.gateway.heard
    said = headers["x-checkpoint-signature"]

    def signed(content: bytes, secret: str = SECRET) -> bool:
        right = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
        return hmac.compare_digest(said, right)

    assert signed(body)
    assert not signed(body.replace(b"471193", b"471194"))
    assert not signed(body, "another secret")
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed_and_is_no_success(house: House, status: int) -> None:
    await house.posts("471193")
    house.gateway.answers = [status]
    assert await house.sends() == 0
    assert [path for path, _, _ in house.gateway.heard] == ["/send"]
    assert (await house.row("471193"))["sent_at"] is None


async def test_a_terminal_shows_the_message_and_masks_the_number(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    await house.posts("471193")
    assert await house.sends(send=channel("console", "")) == 1
    shown = capsys.readouterr().err
    assert "471193" in shown
    assert PHONE[3:] not in shown
    assert "5678" in shown
    assert channel("console", "") is to_console
    assert channel("", "") is None


async def test_a_recipient_whom_nobody_can_reach_is_closed_and_not_called_sent(
    house: House,
) -> None:
    async with house.pool.acquire() as conn:
        await post(conn, kind="phone_code", key="k", recipient="movement:7", facts={}, now=NOW)
    assert await house.sends() == 0
    row = await house.row("k")
    assert (row["sent_at"], row["gave_up_at"]) == (None, NOW)
    assert await house.sends(NOW + GIVES_UP_AFTER) == 0
    assert house.gateway.letters == []
    async with house.pool.acquire() as conn:
        assert await given_up_since(conn, NOW - SECOND) == 0, "no gateway has failed here"


async def test_messages_for_desks_never_go_to_a_telephone(house: House) -> None:
    async with house.pool.acquire() as conn:
        for recipient in ("duty", "place:7"):
            await post(
                conn, kind="phone_code", key=recipient, recipient=recipient, facts={}, now=NOW
            )
    assert await house.sends() == 0
    assert (await house.row("duty"))["gave_up_at"] is None


async def spoilt(house: House, how: str) -> None:
    if how == "no sentence":
        await house.posts("bad", kind="a_kind_without_a_sentence")
        return
    await house.posts("bad")
    spoils = {"seal": b"\x01nothing that opens", "not json": house.vault.seal("{", field="letter")}
    await house.pool.execute("UPDATE kernel.outbox SET sealed = $1", spoils[how])


@pytest.mark.parametrize("how", ["seal", "not json", "no sentence"])
async def test_one_letter_that_cannot_be_written_holds_no_other_back(
    house: House, how: str
) -> None:
    await spoilt(house, how)
    await house.posts("471193", "471194")
    assert await house.sends() == 2
    row = await house.row("bad")
    assert (row["sent_at"], row["gave_up_at"]) == (None, None)
    assert row["next_at"] > NOW
    await house.pool.execute("UPDATE kernel.outbox SET next_at = $1 WHERE sent_at IS NULL", NOW)
    await house.sends(NOW + GIVES_UP_AFTER + SECOND)
    row = await house.row("bad")
    assert (row["gave_up_at"] is not None, row["sealed"]) == (True, False)
    assert all("a_kind" not in letter["text"] for letter in house.gateway.letters)


async def test_a_search_that_fails_holds_no_other_back(house: House) -> None:
    async with house.pool.acquire() as conn:
        await post(conn, kind="phone_code", key="k", recipient="movement:x", facts={}, now=NOW)
    await house.posts("471193")

    async def fails(_: Connection, waiting: Waiting) -> Addressed | None:
        return Addressed(to=str(int(waiting.recipient.partition(":")[2])))

    assert await house.sends(find=fails) == 1
    assert (await house.row("k"))["next_at"] > NOW
