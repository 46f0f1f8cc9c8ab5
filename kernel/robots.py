"""Chat robots of WeCom, DingTalk, Feishu and Lark, told by ourselves: they answer 200 and refuse in
the body, which Apprise takes for sent (or, with Feishu, does not tell apart). Apprise still reads
their addresses; whatever else it knows, it sends itself.
"""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote

import apprise
import httpx
import msgspec
from msgspec import Struct

from kernel.i18n import has, t
from kernel.outgoing import SEND_SECONDS

#: Where a service names no limit of its own.
MOST_BYTES = 19_000
TOO_OFTEN = "robot_too_often"
#: Numbers with which they refuse, as the services publish them: too often, or busy.
_LATER = frozenset({
    -1, 45009, 45033,  # WeCom
    90030, 130101, 410100,  # DingTalk
    11232, 99991400,  # Feishu, Lark
})  # fmt: skip
#: Wrong until somebody mends the robot or the channel: trying again would change nothing.
_FOR_GOOD = {
    93000: "robot_address", 93004: "robot_stopped", 93008: "robot_stopped",  # WeCom
    300001: "robot_address", 300005: "robot_address", 400101: "robot_address",  # DingTalk
    400106: "robot_address", 400102: "robot_stopped", 400013: "robot_stopped",
    310000: "robot_settings",
    19001: "robot_address", 19021: "robot_sign", 19022: "robot_host", 19024: "robot_keyword",
}  # fmt: skip
#: DingTalk has one number for three settings, and says in words which.
_SETTINGS = (
    ("robot_keyword", ("keyword", "关键词")),
    ("robot_host", ("whitelist", "白名单", "ip ")),
    ("robot_sign", ("sign", "签名", "timestamp")),
)


class NotTakenError(Exception):
    """The other side answered, and did not take it; the text is a code for the list of channels,
    with the service's own number behind a colon. `for_good`: the same would be refused again.
    """

    def __init__(self, code: str, *, for_good: bool = False) -> None:
        super().__init__(code)
        self.for_good = for_good


class Trouble(Struct, frozen=True, kw_only=True):
    """Why it did not go out, as a code without an address in it; `for_good`: it never will."""

    code: str
    for_good: bool = False


class Asked(Struct, frozen=True, kw_only=True):
    """One request to a robot."""

    url: str
    body: dict[str, Any]
    params: dict[str, str] = {}


def _wecom(robot: Any, text: str) -> Asked:  # noqa: ANN401 - Apprise's own plugin
    return Asked(url=robot.api_url, body={"msgtype": "text", "text": {"content": text}})


def _dingtalk(robot: Any, text: str) -> Asked:  # noqa: ANN401
    at = {"atMobiles": list(robot.targets), "isAtAll": False}
    params: dict[str, str] = {}
    if robot.secret:
        # Apprise has quoted it already, and it is quoted once more where a query is made of it.
        params["timestamp"], sign = robot.get_signature()
        params["sign"] = unquote(sign)
    return Asked(
        url=robot.notify_url.format(token=robot.token),
        body={"msgtype": "text", "text": {"content": text}, "at": at},
        params=params,
    )


def _feishu(robot: Any, text: str) -> Asked:  # noqa: ANN401
    return Asked(
        url=robot.notify_url.format(token=robot.token),
        body={"msg_type": "text", "content": {"text": text}},
    )


def _lark(robot: Any, text: str) -> Asked:  # noqa: ANN401
    return Asked(url=robot.webhook_url, body={"msg_type": "text", "content": {"text": text}})


#: By the scheme that Apprise knows them by.
_ROBOTS: dict[str, Callable[[Any, str], Asked]] = {
    "wecombot": _wecom, "dingtalk": _dingtalk, "feishu": _feishu, "lark": _lark,
}  # fmt: skip


def is_robot(robot: Any) -> bool:  # noqa: ANN401
    return str(robot.secure_protocol) in _ROBOTS


def fitting(robot: Any, lines: Sequence[str]) -> int:  # noqa: ANN401
    """How many lines one message holds, at least one; a robot refuses what is longer."""
    if not is_robot(robot):
        return len(lines)
    room = min(int(robot.body_maxlen), MOST_BYTES)
    used = 0
    for number, line in enumerate(lines):
        used += len(line.encode()) + 1
        if used > room + 1:
            return max(number, 1)
    return len(lines)


async def tell(robot: Any, lines: Sequence[str], title: str) -> None:  # noqa: ANN401
    """Raises NotTakenError, and whatever a broken connection raises."""
    if is_robot(robot):
        await _tell_robot(robot, "\n".join(lines))
        return
    sender = apprise.Apprise()
    sender.add(robot)  # pyright: ignore[reportUnknownMemberType]
    done = await sender.async_notify(body="\n".join(lines), title=title)  # pyright: ignore[reportUnknownMemberType]
    if not done:
        raise NotTakenError("robot_refused")


async def _tell_robot(robot: Any, text: str) -> None:  # noqa: ANN401
    """The hosts are the services' own, so that a proxy of the environment may lead there."""
    room = min(int(robot.body_maxlen), MOST_BYTES)
    whole = text.encode()[:room].decode(errors="ignore")
    asked = _ROBOTS[robot.secure_protocol](robot, whole)
    async with httpx.AsyncClient(timeout=SEND_SECONDS, follow_redirects=False) as client:
        # A key in the address stays in it: parameters are added, not put in its place.
        url = httpx.URL(asked.url).copy_merge_params(asked.params)
        headers = {"content-type": "application/json; charset=utf-8"}
        answer = await client.post(url, content=msgspec.json.encode(asked.body), headers=headers)
    check(answer.status_code, answer.content)


def check(status: int, body: bytes) -> None:
    """Sent is what the robot says was sent: 0. Raises NotTakenError."""
    number, words = _said(body)
    if number == 0 and 200 <= status < 300:
        return
    if number in _LATER or status == 429:
        raise NotTakenError(f"{TOO_OFTEN}:{number or status}")
    if number in _FOR_GOOD:
        raise NotTakenError(f"{_kind_of(number, words)}:{number}", for_good=True)
    if not 200 <= status < 300:
        raise NotTakenError(f"status_{status}")
    raise NotTakenError("robot_unreadable" if number is None else f"robot_refused:{number}")


def _said(body: bytes) -> tuple[int | None, str]:
    """The number of the answer, and its words in small letters; None without a number."""
    try:
        said = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError):
        return None, ""
    numbers = [said.get(name) for name in ("errcode", "code", "StatusCode")]
    number = next((each for each in numbers if type(each) is int), None)
    return number, str(said.get("errmsg") or said.get("msg") or "").lower()


def _kind_of(number: int, words: str) -> str:
    kind = _FOR_GOOD[number]
    if kind != "robot_settings":
        return kind
    return next((name for name, marks in _SETTINGS if any(m in words for m in marks)), kind)


def in_words(error: str) -> str:
    """For the list of channels: a sentence with what to do, where there is one."""
    code, _, number = error.partition(":")
    key = f"delivery.{code}"
    return t(key, number=number or "–") if has(key) else error
