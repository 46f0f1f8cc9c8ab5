"""Messages through channels: on a real PostgreSQL, to real receivers on loopback."""

import asyncio
import email
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header
from typing import Any
from uuid import UUID, uuid4

import pytest
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.wecombot import NotifyWeComBot

from kernel import deliveries
from kernel.channels import NewChannel, add_channel, channels, disable_channel
from kernel.db import Connection, Pool, open_pool
from kernel.dead_letters import dead_letters, send_again
from kernel.deliveries import Due, deliver
from kernel.errors import Unprocessable
from kernel.keyring import unlock
from kernel.outbox import FEED_DAYS, feed, forget_old, post
from kernel.outgoing import NOTHING, allowed
from kernel.privacy import Vault
from kernel.senders import GIVES_UP_AFTER, LEASE, LONGEST_PAUSE
from tests.http import MASTER_KEY
from tests.kernel.receivers import Receiver, mailbox, receiving

NOW = datetime(2022, 5, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LOOPBACK = allowed(["127.0.0.0/8"])


class House:
    """The service's side: what it posts, and its sender."""

    def __init__(self, pool: Pool, vault: Vault) -> None:
        self.pool, self.vault = pool, vault
        self.secret = ""

    async def joins(self, address: str, kind: str = "webhook", **about: Any) -> UUID:
        said = NewChannel(
            id=uuid4(),
            name="x",
            kind=kind,
            address=address,
            audience=about.pop("audience", ("duty",)),
            **about,
        )
        async with self.pool.acquire() as conn:
            self.secret = await add_channel(conn, self.vault, said, LOOPBACK, uuid4(), NOW)
        return said.id

    async def posts(self, *words: str, at: datetime = NOW, to: str = "duty") -> None:
        async with self.pool.acquire() as conn:
            for word in words:
                await post(conn, kind="x", key=word, recipient=to, facts={"word": word}, now=at)

    async def sends(self, at: datetime = NOW) -> int:
        return await deliver(self.pool, self.vault, tell, LOOPBACK, at)

    async def ask(self, sql: str) -> Any:
        async with self.pool.acquire() as conn:
            return await conn.fetchval(sql)


async def tell(_: Connection, due: Due, lang: str) -> str:
    return f"{lang}:{due.facts['word']}"


@pytest.fixture
async def house(cloned: str) -> AsyncIterator[House]:
    pool, vault = await open_pool(cloned, size=4), Vault(MASTER_KEY)
    async with pool.acquire() as conn:
        await unlock(conn, vault, NOW)
    yield House(pool, vault)
    await pool.close()


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


async def test_a_webhook_gets_each_message_once_and_signed(house: House, hook: Receiver) -> None:
    await house.joins(f"{hook.url}/in")
    await house.posts("a", "b")
    assert await house.sends() == 2
    assert await house.sends(NOW + timedelta(days=2)) == 0
    path, headers, body = hook.heard[0]
    assert path == "/in"
    signature = hmac.new(house.secret.encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-checkpoint-signature"] == signature
    said = json.loads(body)
    assert (said["facts"], said["attempt"], said["id"]) == ({"word": "a"}, 1, hook.ids[0])


async def test_only_whom_it_is_for_and_only_from_its_making_on(
    house: House, hook: Receiver
) -> None:
    await house.posts("before", at=NOW - SECOND)
    await house.joins(hook.url, audience=("place:7",))
    await house.posts("mine", to="place:7")
    await house.posts("other", to="place:8")
    await house.posts("duty")
    assert await house.sends() == 1
    assert json.loads(hook.heard[0][2])["facts"] == {"word": "mine"}


async def test_what_fails_is_tried_again_over_hours_under_one_id(
    house: House, hook: Receiver
) -> None:
    hook.answers = [500, 302, 429]
    await house.joins(hook.url)
    await house.posts("a")
    at, times = NOW, []
    for _ in range(4):
        if await house.sends(at):
            break
        waits = await house.ask("SELECT next_at FROM kernel.delivery")
        times.append((waits - at).total_seconds())
        at = waits
    assert times == [20, 40, 80]
    assert len(set(hook.ids)) == 1
    assert [headers["x-checkpoint-attempt"] for _, headers, _ in hook.heard] == ["1", "2", "3", "4"]
    assert all(path == "/" for path, _, _ in hook.heard), "no redirect was followed"


class CrashError(BaseException):
    """The process dies here."""


@pytest.mark.parametrize("where", ["target_of", "_settle"])
async def test_a_crash_anywhere_sends_again_under_the_same_id_when_the_lease_is_over(
    house: House, hook: Receiver, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Before the sending and between sending and mark."""

    async def die(*_: object) -> None:
        raise CrashError

    await house.joins(hook.url)
    await house.posts("a")
    with monkeypatch.context() as planted:
        planted.setattr(deliveries, where, die)
        with pytest.raises(CrashError):
            await house.sends()
    assert await house.sends(NOW + LEASE - SECOND) == 0
    assert await house.sends(NOW + LEASE + SECOND) == 1
    assert len(set(hook.ids)) == 1
    assert len(hook.ids) == (2 if where == "_settle" else 1)
    assert hook.heard[-1][1]["x-checkpoint-attempt"] == "2"


async def test_two_senders_at_once_send_each_message_once(house: House, hook: Receiver) -> None:
    await house.joins(hook.url, per_hour=3600)
    await house.posts(*(str(n) for n in range(40)))
    await asyncio.gather(*(house.sends() for _ in range(4)))
    while await house.sends():
        pass
    assert len(hook.ids) == len(set(hook.ids)) == 40


async def test_a_day_in_vain_is_a_dead_letter_that_can_be_sent_again(
    house: House, hook: Receiver
) -> None:
    hook.answers = [503] * 200
    await house.joins(hook.url)
    await house.posts("a")
    at = NOW
    while at < NOW + GIVES_UP_AFTER + 2 * LONGEST_PAUSE:
        await house.sends(at)
        at += LONGEST_PAUSE
    async with house.pool.acquire() as conn:
        (dead,) = await dead_letters(conn)
        assert (dead.kind, dead.error) == ("x", "status_503")
        hook.answers = []
        await send_again(conn, dead.message_id, dead.channel_id, at)
        (channel,) = await channels(conn)
    assert (channel.dead, channel.waiting) == (0, 1)
    assert await house.sends(at) == 1


async def test_no_more_than_the_limit_of_an_hour_and_the_rest_later(
    house: House, hook: Receiver
) -> None:
    await house.joins(hook.url, per_hour=3)
    await house.posts(*"abcde")
    assert [await house.sends(NOW + n * SECOND) for n in range(3)] == [3, 0, 0]
    assert await house.sends(NOW + timedelta(minutes=61)) == 2


async def test_a_stopped_channel_sends_nothing(house: House, hook: Receiver) -> None:
    channel_id = await house.joins(hook.url)
    await house.posts("a")
    async with house.pool.acquire() as conn:
        await disable_channel(conn, channel_id, NOW)
    assert await house.sends() == 0


@pytest.mark.parametrize(("plugin", "address"), [
    (NotifyWeComBot, "wecombot://abcdefghijklmnop/"),
    (NotifyDingTalk, "dingtalk://abcdefghijkl1234567890/"),
])  # fmt: skip
async def test_a_chat_robot_gets_one_message_for_many(
    house: House, hook: Receiver, monkeypatch: pytest.MonkeyPatch, plugin: Any, address: str
) -> None:
    monkeypatch.setattr(plugin, "notify_url", f"{hook.url}/robot?key={{key}}{{token}}".replace(
        "{key}{token}", "{key}" if plugin is NotifyWeComBot else "{token}"
    ))  # fmt: skip
    await house.joins(address, kind="chat", lang="en")
    await house.posts("1甲", "2乙", "3丙")
    assert await house.sends() == 3
    ((path, _, body),) = hook.heard
    assert path.startswith("/robot?key=abcdefghij")
    said = json.loads(body)
    words = said.get("text", said.get("markdown", {}))
    told = words.get("content") or words.get("text")
    assert [line[:5] for line in told.splitlines()] == ["en:1甲", "en:2乙", "en:3丙"]


async def test_a_robot_that_fails_gets_the_same_ids_marked_as_sent_before(
    house: House, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NotifyWeComBot, "notify_url", f"{hook.url}/robot?key={{key}}")
    hook.answers = [500]
    await house.joins("wecombot://abcdefghijklmnop/", kind="chat")
    await house.posts("a", "b")
    assert await house.sends() == 0
    assert await house.sends(NOW + 21 * SECOND) == 2
    first, second = (json.loads(body)["text"]["content"] for _, _, body in hook.heard)
    assert second.replace("↻", "") == first
    assert second.count("↻") == 2


async def test_a_mailbox_gets_a_letter(house: House) -> None:
    async with mailbox() as box:
        await house.joins(f"mailto://127.0.0.1:{box.port}?from=a@city.cn&to=b@city.cn&mode=insecure",
                          kind="chat", lang="zh")  # fmt: skip
        await house.posts("超时未到")
        assert await house.sends() == 1
    (letter,) = box.letters
    assert "超时未到" in str(
        make_header(decode_header(email.message_from_string(letter)["Subject"]))
    )


@pytest.mark.parametrize(("kind", "address", "code"), [
    ("chat", "json://127.0.0.1/", "channel_kind_unknown"), ("chat", "syslog://", "channel_kind_unknown"),
    ("chat", "wecombot://", "address_malformed"), ("chat", "x", "address_malformed"),
    ("webhook", "ftp://a.b/", "address_malformed"), ("pigeon", "x", "channel_kind_unknown"),
])  # fmt: skip
async def test_what_is_no_channel_is_refused(
    house: House, kind: str, address: str, code: str
) -> None:
    with pytest.raises(Unprocessable, match=code):
        await house.joins(address, kind=kind)


async def test_a_webhook_inside_that_was_not_allowed_is_never_called(
    house: House, hook: Receiver
) -> None:
    await house.joins(hook.url)
    await house.posts("a")
    assert await deliver(house.pool, house.vault, tell, NOTHING, NOW) == 0
    assert hook.heard == []
    assert await house.ask("SELECT error FROM kernel.delivery") == "address_malformed"


async def test_addresses_are_sealed_and_shown_without_their_keys(
    house: House, hook: Receiver
) -> None:
    await house.joins("wecombot://abcdefghijklmnop/", kind="chat")
    await house.joins(f"{hook.url}/secret-path")
    stored = await house.ask(
        "SELECT string_agg(encode(address_sealed, 'escape'), '') FROM kernel.channel"
    )
    assert "abcdefghijklmnop" not in stored
    assert "secret-path" not in stored
    async with house.pool.acquire() as conn:
        assert {each.shown for each in await channels(conn)} == {"wecombot://…", "127.0.0.1"}


async def test_the_feed_keeps_thirty_days(house: House) -> None:
    await house.posts("old", at=NOW - timedelta(days=FEED_DAYS, seconds=1))
    await house.posts("young", at=NOW - timedelta(days=FEED_DAYS - 1))
    async with house.pool.acquire() as conn:
        assert await forget_old(conn, NOW) == 1
        assert [each.key for each in await feed(conn, 0, 10)] == ["young"]
