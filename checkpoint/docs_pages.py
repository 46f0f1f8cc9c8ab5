"""The API, told on a page of our own: no foreign host, no script."""

from collections import defaultdict
from typing import Any

import msgspec
from litestar import Request, get

from checkpoint.describing import METHODS, description_of
from kernel.auth import public
from kernel.web import COMPRESSED, Page, page

AnyRequest = Request[Any, Any, Any]
Json = dict[str, Any]


@get("/api/docs", guards=[public], middleware=COMPRESSED)
async def api_docs(request: AnyRequest) -> Page:
    """Every call with what it takes and what it answers."""
    return page("api_docs.html", groups=groups(description_of(request.app)))


def groups(document: Json) -> list[dict[str, Any]]:
    """The calls by their tag, in the order of the document."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                found[item[method]["tags"][0]].append(_call(method, path, item[method]))
    return [{"tag": tag, "calls": calls} for tag, calls in sorted(found.items())]


def _call(method: str, path: str, operation: Json) -> dict[str, Any]:
    status, answer = next(iter(operation["responses"].items()))
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "description": operation["description"],
        "scope": operation.get("x-scope", ""),
        "parameters": [
            {"name": each["name"], "where": each["in"], "required": each["required"]}
            for each in operation["parameters"]
        ],
        "request": _shown(operation.get("requestBody", {}).get("content", {})),
        "status": status,
        "answer": _shown(answer["content"]),
    }


def _shown(content: Json) -> str:
    for each in content.values():
        if "example" in each:
            said = each["example"]
            if isinstance(said, str):
                return said
            return msgspec.json.format(msgspec.json.encode(said), indent=2).decode()
    return ""


HANDLERS: list[Any] = [api_docs]
