"""What a Hikvision camera pushes by itself: `EventNotificationAlert`, as XML alone or as the first
part of a multipart body with its pictures (ISAPI, ANPR; "HTTP listening" in its settings).

Read with expat, which is told to refuse every document type and every entity: no bomb, no file,
no network. Written from the vendor's guide; other members of the message are left alone.
"""

import hashlib
import re
from typing import Any
from xml.parsers import expat

from kernel.errors import Malformed, TooLarge

LARGEST = 64 * 1024
DEEPEST = 16
#: The members of the message that are read, by their path below the root.
_PLATE, _CONFIDENCE = "ANPR/licensePlate", "ANPR/confidenceLevel"
_WANTED = frozenset(
    {
        "eventType", "dateTime", "UUID", "channelID", "channelName", "isDataRetransmission",
        "monitoringSiteID", _PLATE, _CONFIDENCE, "ANPR/line", "ANPR/UUID",
        "ANPR/pictureInfoList/pictureInfo/fileName",
    }
)  # fmt: skip
#: What a camera says of a vehicle whose plate it could not read.
_NO_PLATE = frozenset({"", "unknown", "noplate", "无车牌", "无牌车"})
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*encoding=["'](gb2312|gbk|gb18030)["']""", re.IGNORECASE)
_MOST_TEXT = 200
_HUNDRED = 100


class _Reader:
    """Collects the first text at each wanted path."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.found: dict[str, str] = {}

    def start(self, name: str, _: dict[str, str]) -> None:
        self.path.append(name.rpartition(" ")[2])
        if len(self.path) > DEEPEST:
            raise Malformed("camera_message_malformed")

    def text(self, data: str) -> None:
        at = "/".join(self.path[1:])
        if at in _WANTED:
            self.found[at] = (self.found.get(at, "") + data)[:_MOST_TEXT]

    def end(self, _: str) -> None:
        self.path.pop()


def _refuse(*_: object) -> None:
    raise Malformed("camera_message_malformed")


def read_message(data: bytes) -> dict[str, str]:
    """Path → text. Raises Malformed `camera_message_malformed`, TooLarge `camera_message_long`."""
    if len(data) > LARGEST:
        raise TooLarge("camera_message_long", most=LARGEST)
    if _DECLARED.match(data):
        data = data.decode("gb18030", "replace").encode()
    reader = _Reader()
    parser = expat.ParserCreate("utf-8", " ")
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(data, True)  # noqa: FBT003 - expat's own
    except expat.ExpatError as error:
        raise Malformed("camera_message_malformed") from error
    return {path: text.strip().replace("\0", "") for path, text in reader.found.items()}


def reading_of(message: dict[str, str]) -> dict[str, Any] | None:
    """As `CameraRead` takes it; None for what is no plate: heartbeats and other events.

    Without an id of the camera's own the same message is the same reading. Raises Malformed
    `camera_message_malformed`.
    """
    if message.get("eventType", "").upper() != "ANPR":
        return None
    plate = message.get(_PLATE, "")
    if not message.get("dateTime"):
        raise Malformed("camera_message_malformed")
    return {
        "id": (message.get("UUID") or message.get("ANPR/UUID") or _digest(message))[:64],
        "plate": "" if plate.casefold() in _NO_PLATE else plate[:32],
        "confidence": _share(message.get(_CONFIDENCE, "")),
        "taken_at": message["dateTime"],
        "gate": message.get("monitoringSiteID") or message.get("channelName", ""),
        "picture": message.get("ANPR/pictureInfoList/pictureInfo/fileName", ""),
        "offline": message.get("isDataRetransmission", "").casefold() == "true",
    }


def _digest(message: dict[str, str]) -> str:
    said = "|".join(message.get(path, "") for path in ("dateTime", "channelID", _PLATE))
    return hashlib.sha256(said.encode()).hexdigest()


def _share(said: str) -> float:
    """Of a hundred; what says nothing of it is not to be relied on."""
    try:
        return min(1.0, max(0.0, float(said) / _HUNDRED))
    except ValueError:
        return 0.0
