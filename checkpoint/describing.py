"""The API's own description: what the framework knows of the calls, with summaries, scopes, errors
and an example of every request and answer. Pages are no part of it.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any, cast

import msgspec
from litestar import Litestar, Request
from litestar.openapi.plugins import JsonRenderPlugin
from msgspec import Struct

from checkpoint.batches import MovementAct
from checkpoint.cameras import CameraRead
from checkpoint.scans import Scan
from checkpoint.scopes import PREFIX, SCOPE_OF

Json = dict[str, Any]
EXAMPLES = Path(__file__).parent / "examples.json"
METHODS = ("get", "post", "patch", "put", "delete")
#: Items that are read one by one, so that a bad one does not spoil the others.
ITEMS = {"Batch": ("scans", Scan), "Acts": ("events", MovementAct),
         "CameraReads": ("reads", CameraRead)}  # fmt: skip
_SENTENCE = re.compile(r"(.+?[.:;])(?:\s|$)", re.DOTALL)
_REF = "#/components/schemas/"


class Problem(Struct, frozen=True, kw_only=True):
    """What every refusal is told as (RFC 9457). Decide by `code`; facts stand beside it."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    detail_other: str


class Described(JsonRenderPlugin):
    """`/api/openapi.json` as it is described here."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: Json) -> bytes:  # noqa: ARG002 - the framework's shape
        return msgspec.json.encode(description_of(request.app))


def description_of(app: Litestar) -> Json:
    """Made once; the application is the same as long as it runs."""
    if "description" not in app.state:
        app.state["description"] = described(app.openapi_schema.to_schema())
    return app.state["description"]


@cache
def examples() -> dict[str, Json]:
    """`METHOD /path` → `{request, answer}`; either may be missing."""
    return msgspec.json.decode(EXAMPLES.read_bytes())


def described(schema: Json) -> Json:
    """The framework's schema, with what it does not know; only the calls under /api/v1."""
    # By way of text: the framework's own is kept as it is.
    schema = msgspec.json.decode(msgspec.json.encode(schema, enc_hook=str))
    paths = {
        path: {
            method: _operation(method, path, operation)
            for method, operation in item.items()
            if method in METHODS
        }
        for path, item in schema["paths"].items()
        if path.startswith(f"{PREFIX}/")
    }
    known = schema["components"]["schemas"]
    _type_items(known)
    return {
        "openapi": schema["openapi"],
        "info": schema["info"] | {"description": _INFO},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": _used(paths, known),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


_INFO = (
    "Devices, keys of programs and accounts' tokens show `Authorization: Bearer`. Whoever sends "
    "makes the id: the same again is always safe. See docs/api.md."
)


def operation_id(method: str, path: str) -> str:
    """`POST /api/v1/movements/{movement_id}/events` → `post_movements_events`; `GET
    /api/v1/movements/{movement_id}` reads one → `get_movement`.
    """
    parts = [part for part in path.removeprefix(PREFIX).split("/") if part and part[0] != "{"]
    if method == "get" and path.endswith("}"):
        parts[-1] = re.sub(r"(?<=ss)es$|s$", "", parts[-1])
    return "_".join([method, *parts]).replace("-", "_").replace(".", "_")


def _operation(method: str, path: str, operation: Json) -> Json:
    call = f"{method.upper()} {path.removeprefix(PREFIX)}"
    example = examples().get(call, {})
    told = " ".join(str(operation.get("description") or operation["summary"]).split())
    found = _SENTENCE.match(told)
    made: Json = {
        "operationId": operation_id(method, path),
        "summary": (found.group(1) if found else told).rstrip(".:;"),
        "description": told,
        "tags": operation.get("tags") or [path.removeprefix(PREFIX).split("/")[1]],
        "parameters": operation.get("parameters", []),
        "responses": _responses(operation, example),
    }
    if call in SCOPE_OF:
        made["security"] = [{"token": []}, {}]
        made["x-scope"] = SCOPE_OF[call]
    if (body := operation.get("requestBody")) is not None or "request" in example:
        made["requestBody"] = _body(body, example)
    return made


def _body(body: Json | None, example: Json) -> Json:
    """A call that takes a file says so by its example alone."""
    if body is None:
        said = example["request"]
        kind = "text/csv" if isinstance(said, str) else "application/json"
        body = {"required": True, "content": {kind: {"schema": {}}}}
    for content in body["content"].values():
        if "request" in example:
            content["example"] = example["request"]
    return body


def _responses(operation: Json, example: Json) -> Json:
    status, answer = next(
        (status, said) for status, said in operation["responses"].items() if status.startswith("2")
    )
    answer = {"description": answer["description"], "content": answer.get("content", {})}
    for kind, content in answer["content"].items():
        if kind == "application/json" and content.get("schema", {}).get("type") == "string":
            content["schema"] = {}  # bytes that are JSON already
    for content in answer["content"].values():
        if "answer" in example:
            content["example"] = example["answer"]
    problem = {"schema": {"$ref": f"{_REF}Problem"}}
    return {
        status: answer,
        "default": {"description": "Refused", "content": {"application/problem+json": problem}},
    }


def _type_items(known: Json) -> None:
    """Fills in what the items of a batch are, which the framework does not read."""
    types = [Problem, *(each for _, each in ITEMS.values())]
    _, components = msgspec.json.schema_components(types, ref_template=f"{_REF}{{name}}")
    for name, (field, item) in ITEMS.items():
        if name in known:
            items = {"type": "array", "items": {"$ref": f"{_REF}{item.__name__}"}}
            known[name]["properties"][field] = items
    known.update({name: each for name, each in components.items() if name not in known})


def _used(paths: Json, known: Json) -> Json:
    """The schemas that the calls speak of, and those that these speak of."""
    used: dict[str, Json] = {}
    waiting = _named(paths)
    while waiting:
        name = waiting.pop()
        if name not in used:
            used[name] = known[name]
            waiting |= _named(known[name])
    return dict(sorted(used.items()))


def _named(node: object) -> set[str]:
    if isinstance(node, dict):
        said = cast("Json", node)
        own = {str(said["$ref"]).removeprefix(_REF)} if "$ref" in said else set[str]()
        return own.union(*(_named(each) for each in said.values()))
    if isinstance(node, list):
        return set[str]().union(*(_named(each) for each in cast("list[object]", node)))
    return set()
