import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from kernel.logging import RequestLog, configure


@pytest.fixture(autouse=True)
def quiet_again() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = handlers, level


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_field_that_is_not_listed_is_dropped(capsys: pytest.CaptureFixture[str]):
    configure(as_json=True)
    structlog.get_logger("t").info("kept", count=3, phone="13812345678")
    [line] = lines(capsys)
    assert (line["event"], line["count"]) == ("kept", 3)
    assert "phone" not in line


def test_an_exception_is_told_without_its_text(capsys: pytest.CaptureFixture[str]):
    configure(as_json=True)
    try:
        sys.exit("13812345678")
    except SystemExit:
        structlog.get_logger("t").exception("job_failed", job="sweep")
        logging.getLogger("foreign").exception("failed for %s", "13812345678")
    output = lines(capsys)
    assert [line["error"] for line in output] == ["SystemExit", "SystemExit"]
    assert output[1]["event"] == "failed for %s"
    assert "13812345678" not in json.dumps(output)
    assert "test_an_exception_is_told_without_its_text" in str(output[0]["where"])


async def call(app: RequestLog, scope: dict[str, object]) -> list[dict[str, object]]:
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"13812345678", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    await app(scope, receive, send)  # type: ignore[arg-type]
    return sent


async def test_a_request_is_one_line_with_its_template_and_our_own_id(
    capsys: pytest.CaptureFixture[str],
):
    async def app(scope: dict[str, object], _receive: object, send: object) -> None:
        scope["path_template"] = "/t/{code}"
        await send({"type": "http.response.start", "status": 204, "headers": []})  # type: ignore[operator]

    configure(as_json=True)
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/t/13812345678",
        "query_string": b"q=13812345678",
        "headers": [(b"x-request-id", b"13812345678"), (b"cookie", b"s=13812345678")],
    }
    [start] = await call(RequestLog(app), scope)  # type: ignore[arg-type]
    [line] = lines(capsys)
    assert (line["method"], line["path"], line["status"]) == ("GET", "/t/{code}", 204)
    assert "13812345678" not in json.dumps(line)
    assert start["headers"] == [(b"x-request-id", str(line["request_id"]).encode())]


async def test_a_request_that_breaks_has_its_line_too(capsys: pytest.CaptureFixture[str]):
    async def app(_scope: object, _receive: object, _send: object) -> None:
        raise RuntimeError

    configure(as_json=True)
    scope = {"type": "http", "method": "GET", "path": "/x", "headers": []}
    with pytest.raises(RuntimeError):
        await call(RequestLog(app), scope)  # type: ignore[arg-type]
    [line] = lines(capsys)
    assert (line["path"], line["status"]) == ("unmatched", 500)
