"""Robots that answer 200 and refuse in the body: on a real PostgreSQL, to receivers on loopback."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.lark import NotifyLark
from apprise.plugins.wecombot import NotifyWeComBot

from kernel import robots
from kernel.channels import ADDRESS, channels, read_robot
from kernel.dead_letters import dead_letters, send_again
from kernel.i18n import load_catalogues, use_locale
from kernel.robots import NotTakenError, check, fitting, in_words
from tests.kernel.receivers import Receiver
from tests.kernel.test_deliveries import NOW, SECOND, House, hook, house  # noqa: F401 - fixtures
from tests.test_catalogues import FLOORS, ROOT, sentences

ROBOTS: dict[str, tuple[Any, str, str]] = {
    "wecombot": (NotifyWeComBot, "wecombot://abcdefghijklmnop/", "/robot?key={key}"),
    "dingtalk": (
        NotifyDingTalk,
        "dingtalk://s3cret@abcdefghijkl1234567890/",
        "/robot?access_token={token}",
    ),
    "feishu": (NotifyFeishu, "feishu://abcdefghijkl-1234/", "/robot/{token}/"),
    "lark": (NotifyLark, "lark://abcdefghijkl-1234/", "/robot/"),
}


@pytest.fixture(params=ROBOTS)
async def robot(
    request: pytest.FixtureRequest,
    house: House,  # noqa: F811
    hook: Receiver,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    plugin, address, path = ROBOTS[request.param]
    monkeypatch.setattr(plugin, "notify_url", f"{hook.url}{path}")
    await house.joins(address, kind="chat", lang="en")
    return request.param


async def test_what_a_robot_takes_is_sent_once_in_its_own_form(
    house: House,  # noqa: F811
    hook: Receiver,  # noqa: F811
    robot: str,
) -> None:
    await house.posts("1甲", "2乙")
    assert await house.sends() == 2
    assert await house.sends(NOW + timedelta(days=1)) == 0
    ((path, headers, body),) = hook.heard
    said = json.loads(body)
    lines = (said.get("text") or {}).get("content") or said["content"]["text"]
    assert [line[:5] for line in lines.splitlines()] == ["en:1甲", "en:2乙"]
    assert headers["content-type"].startswith("application/json")
    assert "abcdefghijkl" in path, "the key is where the service looks for it"
    assert ("sign=" in path and "timestamp=" in path) == (robot == "dingtalk")


@pytest.mark.parametrize("robot", ["dingtalk"], indirect=True)
async def test_a_signature_is_what_the_service_computes(
    house: House,  # noqa: F811
    hook: Receiver,  # noqa: F811
    robot: str,
) -> None:
    """As DingTalk documents it: HMAC-SHA256 of time and secret, base64, quoted once."""
    await house.posts("a")
    assert await house.sends() == 1, robot
    asked = parse_qs(urlsplit(hook.heard[0][0]).query)
    said = f"{asked['timestamp'][0]}\ns3cret".encode()
    computed = hmac.new(b"s3cret", said, hashlib.sha256).digest()
    assert asked["sign"] == [base64.b64encode(computed).decode()]
    assert asked["access_token"] == ["abcdefghijkl1234567890"]


TOO_OFTEN = {
    "wecombot": {"errcode": 45009, "errmsg": "api freq out of limit"},
    "dingtalk": {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"},
    "feishu": {"code": 11232, "msg": "frequency limited"},
    "lark": {"code": 99991400, "msg": "request trigger frequency limit"},
}


async def refused_then_sent(house: House, hook: Receiver, robot: str) -> list[int]:  # noqa: F811
    hook.answers = [TOO_OFTEN[robot], TOO_OFTEN[robot]]
    await house.posts("a", "b")
    seconds = (0, 2, 19, 21, 40, 59, 62, 3600)
    return [await house.sends(NOW + n * SECOND) for n in seconds]


async def test_a_robot_that_says_too_often_gets_it_later_and_once(
    house: House,  # noqa: F811
    hook: Receiver,  # noqa: F811
    robot: str,
) -> None:
    assert await refused_then_sent(house, hook, robot) == [0, 0, 0, 0, 0, 0, 2, 0]
    assert len(hook.heard) == 3
    async with house.pool.acquire() as conn:
        (channel,) = await channels(conn)
    assert (channel.sent, channel.waiting, channel.dead, channel.last_error) == (2, 0, 0, "")


def looks_at_the_status(status: int, _: bytes) -> None:
    if status != 200:
        raise NotTakenError(f"status_{status}")


async def test_whoever_looks_at_the_status_alone_is_found_out(
    house: House,  # noqa: F811
    hook: Receiver,  # noqa: F811
    robot: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The twin: it takes a refusal for sent, and the message is lost."""
    monkeypatch.setattr(robots, "check", looks_at_the_status)
    assert await refused_then_sent(house, hook, robot) == [2, 0, 0, 0, 0, 0, 0, 0]
    assert len(hook.heard) == 1


async def test_a_robot_that_says_too_often_is_left_alone_by_new_messages(
    house: House,  # noqa: F811
    hook: Receiver,  # noqa: F811
    robot: str,
) -> None:
    hook.answers = [TOO_OFTEN[robot]]
    await house.posts("a")
    assert await house.sends() == 0
    await house.posts("b", at=NOW + 5 * SECOND)
    assert await house.sends(NOW + 6 * SECOND) == 0
    assert len(hook.heard) == 1
    assert await house.sends(NOW + 21 * SECOND) == 2


WRONG = [
    ("wecombot", {"errcode": 93000, "errmsg": "invalid webhook url"}, "robot_address:93000"),
    ("dingtalk", {"errcode": 310000, "errmsg": "keywords not in content"}, "robot_keyword:310000"),
    ("dingtalk", {"errcode": 310000, "errmsg": "sign not match"}, "robot_sign:310000"),
    ("dingtalk", {"errcode": 310000, "errmsg": "ip 1.2.3.4 not in whitelist"}, "robot_host:310000"),
    ("dingtalk", {"errcode": 310000, "errmsg": "?"}, "robot_settings:310000"),
    ("dingtalk", {"errcode": 300001, "errmsg": "token is not exist"}, "robot_address:300001"),
    ("feishu", {"code": 19024, "msg": "Key Words Not Found"}, "robot_keyword:19024"),
    ("lark", {"code": 19021, "msg": "sign match fail"}, "robot_sign:19021"),
]


@pytest.mark.parametrize(("robot", "answer", "error"), WRONG, indirect=["robot"])
async def test_what_is_refused_for_good_is_dead_at_once_with_a_sentence(
    house: House,  # noqa: F811
    hook: Receiver,  # noqa: F811
    robot: str,
    answer: dict[str, Any],
    error: str,
) -> None:
    hook.answers = [answer]
    await house.posts("a")
    assert [await house.sends(NOW + timedelta(hours=n)) for n in range(3)] == [0, 0, 0]
    assert len(hook.heard) == 1, robot
    async with house.pool.acquire() as conn:
        (dead,) = await dead_letters(conn)
        assert dead.error == error
        await send_again(conn, dead.message_id, dead.channel_id, NOW + timedelta(hours=4))
    assert await house.sends(NOW + timedelta(hours=4)) == 1


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_each_reason_has_a_sentence_with_its_number(locale: str) -> None:
    known = sentences("kernel", locale)
    kinds = {error.partition(":")[0] for *_, error in WRONG} | {robots.TOO_OFTEN, "robot_refused"}
    assert all("{number}" in known[f"delivery.{kind}"] for kind in kinds)


def test_what_has_no_sentence_is_shown_as_it_is() -> None:
    load_catalogues([ROOT / floor / "locale" for floor in FLOORS])
    with use_locale("en"):
        assert in_words("status_503") == "status_503"
        assert "93000" in in_words("robot_address:93000")
        assert "proxy" in in_words("robot_unreadable")


@pytest.mark.parametrize(("status", "body", "code"), [
    (200, b"<html>log in to the network</html>", "robot_unreadable"),
    (200, b"{}", "robot_unreadable"), (200, b'{"errcode": "0"}', "robot_unreadable"),
    (200, b'{"errcode": 40035}', "robot_refused:40035"), (500, b'{"errcode": 0}', "status_500"),
    (429, b"", "robot_too_often:429"), (400, b'{"code": 19001}', "robot_address:19001"),
])  # fmt: skip
def test_only_zero_is_sent(status: int, body: bytes, code: str) -> None:
    with pytest.raises(NotTakenError, match=f"^{code}$"):
        check(status, body)


@pytest.mark.parametrize("body", [b'{"errcode":0}', b'{"code":0,"data":{}}', b'{"StatusCode":0}'])
def test_zero_is_sent_whatever_it_is_called(body: bytes) -> None:
    check(200, body)


async def test_more_lines_than_a_robot_takes_follow_in_the_next_message(
    house: House,  # noqa: F811
    hook: Receiver,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """WeCom refuses a text of more than 2,048 bytes whole."""
    monkeypatch.setattr(NotifyWeComBot, "notify_url", f"{hook.url}/robot?key={{key}}")
    await house.joins("wecombot://abcdefghijklmnop/", kind="chat")
    await house.posts(*(f"{n:02}{'超' * 80}" for n in range(20)))
    sent = [await house.sends(NOW + n * SECOND) for n in range(4)]
    assert sum(sent) == 20
    assert sent[3] == 0
    texts = [json.loads(body)["text"]["content"] for _, _, body in hook.heard]
    assert all(len(text.encode()) <= 2048 for text in texts)
    lines = [line for text in texts for line in text.splitlines()]
    assert [line[3:5] for line in lines] == [f"{n:02}" for n in range(20)]
    assert not any("↻" in line for line in lines), "what was given back was never sent"


async def test_a_robot_whose_address_is_read_no_more_holds_no_other_back(
    house: House,  # noqa: F811
    hook: Receiver,  # noqa: F811
) -> None:
    """As when a kind is taken from the list that is let through."""
    old = await house.joins("wecombot://abcdefghijklmnop/", kind="chat")
    await house.joins(f"{hook.url}/in")
    async with house.pool.acquire() as conn:
        sealed = house.vault.seal("pigeon://x", field=ADDRESS)
        await conn.execute(
            "UPDATE kernel.channel SET address_sealed = $2 WHERE id = $1", old, sealed
        )
    await house.posts("a")
    assert await house.sends() == 1
    said = "SELECT error FROM kernel.delivery WHERE sent_at IS NULL"
    assert await house.ask(said) == "channel_kind_unknown"


def test_a_line_that_is_longer_than_a_message_goes_alone() -> None:
    robot = read_robot("wecombot://abcdefghijklmnop/")
    assert fitting(robot, ["x" * 5000, "y"]) == 1
    assert fitting(robot, ["x" * 1023, "y" * 1024]) == 2
    assert fitting(robot, ["x" * 1024, "y" * 1024]) == 1
    assert fitting(read_robot("mailto://a:b@city.cn"), ["x" * 5000] * 3) == 3
