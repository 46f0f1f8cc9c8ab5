"""The API's own description: every call has its summary and an example of what it takes and answers,
and each example is as the schema beside it says.

`CHECKPOINT_EXAMPLES=checkpoint/examples.json pytest tests/test_openapi.py -k are_written` plays every
call that it can in the city of the tests, and writes down what was said.
"""

import os
import re
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar

from checkpoint import describing
from checkpoint.callers import token_finder
from checkpoint.scopes import FOR_PEOPLE, SCOPE_OF, call_of
from kernel.clock import SetClock
from kernel.db import Connection
from registry.scopes import SCOPES
from tests.authz import Route, admits, callers, routes
from tests.authz_bodies import BODIES
from tests.authz_ground import PARAMETER, Ground
from tests.checkpoint.camera_ground import a_camera, a_read, anpr
from tests.city import City
from tests.http import opened
from tests.json_schema import faults
from tests.openapi_bodies import MORE, QUERIES

Json = dict[str, Any]
DOCS = re.compile(r"(?:src|href)=\"(https?:)?//")


def document(app: Litestar) -> Json:
    return describing.described(app.openapi_schema.to_schema())


def operations(told: Json) -> dict[str, Json]:
    return {
        call_of(method.upper(), path): operation
        for path, item in told["paths"].items()
        for method, operation in item.items()
    }


def calls(app: Litestar) -> dict[str, Route]:
    return {
        call_of(route.method, route.path): route
        for route in routes(app)
        if route.path.startswith("/api/v1/")
    }


def gaps(told: Json) -> list[str]:
    """Calls that lack a summary or an example, and examples that are not as their schema says."""
    known, found = told["components"]["schemas"], list[str]()
    for call, operation in operations(told).items():
        if len(operation["summary"]) < 5 or operation["summary"].istitle():
            found.append(f"{call}: summary")
        answer = next(each for status, each in operation["responses"].items() if status[0] == "2")
        wanted = {"request": operation.get("requestBody", {}), "answer": answer}
        for what, said in wanted.items():
            for content in said.get("content", {}).values():
                if "example" not in content:
                    found.append(f"{call}: {what} has no example")
                    continue
                schema = content.get("schema", {})
                found += [
                    f"{call}: {what} {fault}" for fault in faults(content["example"], schema, known)
                ]
    return found


async def test_every_call_has_a_summary_and_examples_that_fit(app: Litestar) -> None:
    told = document(app)
    assert set(operations(told)) == set(calls(app))
    assert gaps(told) == []
    names = [operation["operationId"] for operation in operations(told).values()]
    assert len(set(names)) == len(names)
    print(f"{len(names)} calls, each with its examples")


async def test_an_example_that_is_missing_or_wrong_is_found(
    app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = dict(describing.examples())
    known["POST /scans"] = {"request": {"scans": [{"id": "no id"}]}}
    monkeypatch.setattr(describing, "examples", lambda: known)
    found = [gap for gap in gaps(document(app)) if gap.startswith("POST /scans")]
    assert "POST /scans: answer has no example" in found
    assert any("format" in gap for gap in found)
    assert any("required" in gap for gap in found)


async def test_the_description_and_its_pages_need_nobody_else(
    client: httpx.AsyncClient, app: Litestar
) -> None:
    served = (await client.get("/api/openapi.json")).json()
    assert served == msgspec.json.decode(msgspec.json.encode(document(app)))
    assert all(path.startswith("/api/v1/") for path in served["paths"])
    for lang in ("zh", "en"):
        page = await client.get(f"/api/docs?lang={lang}")
        assert page.status_code == 200
        assert not DOCS.search(page.text), "no foreign host"
        for operation in operations(served).values():
            assert f'id="{operation["operationId"]}"' in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]


async def test_every_call_says_whether_a_key_may_make_it(app: Litestar) -> None:
    assert set(SCOPE_OF) | set(FOR_PEOPLE) == set(calls(app))
    assert set(SCOPE_OF) & set(FOR_PEOPLE) == set()
    assert set(SCOPE_OF.values()) <= set(SCOPES)
    assert set(SCOPES) - set(SCOPE_OF.values()) == set()


# ── writing the examples down ──


class Scribe:
    """Calls as they are made, with ids and tokens that are the same every time."""

    def __init__(self, ground: Ground) -> None:
        self.ground, self.seen = ground, dict[str, str]()

    async def written(self, call: str, route: Route) -> Json:
        known, ground = self.ground.known, self.ground
        bodies = BODIES | MORE
        fill = bodies.get(route.name)
        body: Json = fill(known, ground) if fill is not None else {}
        path = PARAMETER.sub(lambda found: known.get(found[1], "1"), route.path)
        for column in ("firm", "firm-device", "lane-device", "lane", "desk", "duty", "registrar",
                       "nobody", "receiver", "source", "tracer", "inspector", "hotline", "grid",
                       "police", "auditor"):  # fmt: skip
            for caller in callers(ground.places, column, whole=True):
                if caller.variant not in {"own", "none"} or not await admits(route, caller.actor):
                    continue
                async with ground.rolled_back():
                    headers, _ = await ground._credentials(caller)
                    async with opened(ground.app, accept="application/json", **headers) as client:
                        query = QUERIES.get(call, {})
                        answer = await client.request(route.method, path, params=query, **body)
                if answer.is_success:
                    return self.example(body, answer)
        return {}

    def example(self, body: Json, answer: httpx.Response) -> Json:
        said = body.get("json", body.get("content"))
        example: Json = {} if said is None else {"request": said}
        if "json" in answer.headers.get("content-type", ""):
            example["answer"] = answer.json()
        elif answer.content:
            example["answer"] = answer.content[:40].decode("latin-1") + "…"
        return msgspec.json.decode(self.plain(msgspec.json.encode(example).decode()))

    def plain(self, text: str) -> str:
        def fixed(found: re.Match[str]) -> str:
            number = len(self.seen) + 1
            return self.seen.setdefault(found[0], f"01a20ae1-0000-7000-8000-{number:012d}")

        return re.sub(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", fixed, text)


@pytest.mark.skipif("CHECKPOINT_EXAMPLES" not in os.environ, reason="writes a file when asked to")
async def test_examples_are_written(
    app: Litestar, conn: Connection, city: City, clock: SetClock
) -> None:
    file = Path(os.environ["CHECKPOINT_EXAMPLES"])
    kept = msgspec.json.decode(file.read_bytes())  # noqa: ASYNC240
    ground = Ground(app, conn, city, clock)
    await ground.build()
    scribe, made = Scribe(ground), dict[str, Json]()
    for call, route in sorted(calls(app).items()):
        made[call] = kept.get(call) or await scribe.written(call, route)
    made |= {} if kept.get("POST /camera-reads") else await by_camera(scribe)
    print([call for call, said in made.items() if not said])
    file.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1))  # noqa: ASYNC240


async def by_camera(scribe: Scribe) -> Json:
    ground = scribe.ground
    del ground.app.state["find_token"]
    token = await a_camera(ground.conn, ground.city.north)
    ground.app.state.find_token = token_finder(ground.app.state, ground.app.state.pool)
    body: Json = {"json": {"reads": [a_read("cam-7-000123", gate="1", picture="cam-7/000123.jpg")]}}
    async with opened(ground.app, authorization=f"Bearer {token}") as client:
        ours = await client.post("/api/v1/camera-reads", **body)
        theirs = await client.post(f"/api/v1/cameras/{token}/hikvision", content=anpr())
    return {
        "POST /camera-reads": scribe.example(body, ours),
        "POST /cameras/{key}/hikvision": scribe.example({"content": anpr().decode()}, theirs),
    }
