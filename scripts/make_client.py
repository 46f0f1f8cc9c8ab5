"""Makes clients/python/checkpoint_client.py from the API's own description: one typed module on
httpx and msgspec. `python -m scripts.make_client` writes it; a test compares.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from checkpoint.app import create_app
from checkpoint.describing import description_of
from kernel.privacy import Vault
from kernel.settings import Settings

FILE = Path(__file__).parents[1] / "clients/python/checkpoint_client.py"
Json = dict[str, Any]
PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
FORMATS = {"uuid": "UUID", "date-time": "datetime"}

HEAD = '''"""A client of Checkpoint's API, made from its description by scripts/make_client.py.

    async with Client("https://checkpoint.example", token="...") as checkpoint:
        results = await checkpoint.post_scans(Batch(scans=[...]))

Whatever is refused raises `Refused`: decide by its `code`. After 429 and 503, and after a lost
connection, send the same again: ids make that safe. Needs httpx and msgspec.
"""
# pyright: basic
# ruff: noqa

from datetime import datetime
from types import TracebackType
from typing import Any, Literal, TypeVar
from uuid import UUID

import httpx
import msgspec
from msgspec import UNSET, Struct, UnsetType

T = TypeVar("T")


class Refused(Exception):
    """`facts` are all members of the answer; `retry_after` are seconds, where it says some."""

    def __init__(
        self, status: int, code: str, facts: dict[str, Any], retry_after: int | None
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code, self.facts, self.retry_after = status, code, facts, retry_after
'''

CLIENT = '''

class Client:
    """One caller: a device, a key, or nobody. `scenario` is for the sandbox alone."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        scenario: str | None = None,
        lang: Literal["zh", "en"] = "zh",
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        headers = {"accept-language": lang}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        if scenario is not None:
            headers["checkpoint-scenario"] = scenario
        self.http = httpx.AsyncClient(
            base_url=url.rstrip("/"), headers=headers, transport=transport
        )

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.http.aclose()

    async def _send(
        self,
        method: str,
        path: str,
        query: dict[str, Any],
        body: Any = UNSET,
        content_type: str = "application/json",
    ) -> httpx.Response:
        params = {name: _text(value) for name, value in query.items() if value is not None}
        content = None
        if isinstance(body, bytes | str):
            content = body
        elif body is not UNSET:
            content = msgspec.json.encode(body)
        headers = {} if content is None else {"content-type": content_type}
        answer = await self.http.request(
            method, path, params=params, content=content, headers=headers
        )
        if answer.is_success:
            return answer
        try:
            facts = msgspec.json.decode(answer.content)
        except msgspec.DecodeError:
            facts = {}
        wait = answer.headers.get("retry-after", "")
        raise Refused(
            answer.status_code,
            facts.get("code", ""),
            facts,
            int(wait) if wait.isdigit() else None,
        )
'''

TAIL = """

def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _read(answer: httpx.Response, kind: type[T]) -> T:
    return msgspec.json.decode(answer.content, type=kind)
"""


def made(document: Json) -> str:
    schemas = document["components"]["schemas"]
    parts = [HEAD, *(_schema(name, each) for name, each in _in_order(schemas)), CLIENT]
    for path, item in document["paths"].items():
        parts += [_method(path, verb, operation) for verb, operation in item.items()]
    return "\n".join(parts).rstrip() + "\n" + TAIL


def _in_order(schemas: Json) -> Iterator[tuple[str, Json]]:
    """Words first, which are named where the module is read."""
    for is_enum in (True, False):
        for name, each in schemas.items():
            if ("enum" in each) is is_enum:
                yield name, each


def _schema(name: str, schema: Json) -> str:
    if "enum" in schema:
        return f"\n{name} = Literal[{', '.join(repr(each) for each in schema['enum'])}]"
    lines = [f"\n\nclass {name}(Struct, kw_only=True, omit_defaults=True):"]
    if told := " ".join(schema.get("description", "").split()):
        lines += [f'    """{told}"""', ""]
    fields = schema.get("properties", {})
    lines += [_field(field, each, schema) for field, each in fields.items()]
    return "\n".join(lines if fields else [*lines, "    pass"])


def _field(name: str, schema: Json, owner: Json) -> str:
    kind = type_of(schema)
    if name in owner.get("required", ()):
        return f"    {name}: {_quoted(kind)}"
    if _plain(schema):
        return f"    {name}: {_quoted(kind)} = {schema['default']!r}"
    if kind.endswith("| None"):
        return f"    {name}: {_quoted(kind)} = None"
    return f"    {name}: {_quoted(f'{kind} | UnsetType')} = UNSET"


def _plain(schema: Json) -> bool:
    """Whether the default can stand in the class: no struct, no list or dict that has something."""
    given = schema.get("default", ...)
    if given is ... or (isinstance(given, dict) and "$ref" in str(schema)):
        return False
    return not given or not isinstance(given, dict | list)


def _quoted(kind: str) -> str:
    """Names may come later in the module; a word in quotation marks stays as it is."""
    return kind if '"' in kind or "'" in kind else f'"{kind}"'


def type_of(schema: Json) -> str:  # noqa: PLR0911 - one kind after the other
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    for choice in ("oneOf", "anyOf", "allOf"):
        if choice in schema:
            return _any_of([type_of(each) for each in schema[choice]])
    if "enum" in schema:
        return f"Literal[{', '.join(repr(each) for each in schema['enum'])}]"
    said = schema.get("type")
    if isinstance(said, list):
        return _any_of([type_of(schema | {"type": each}) for each in said])
    if said == "array":
        return f"list[{type_of(schema.get('items') or {})}]"
    if said == "object":
        more = schema.get("additionalProperties")
        return f"dict[str, {type_of(more) if isinstance(more, dict) else 'Any'}]"
    if said == "string":
        return FORMATS.get(schema.get("format", ""), "str")
    return PLAIN.get(said or "", "Any")


def _any_of(kinds: list[str]) -> str:
    unique = list(dict.fromkeys(kinds))
    if "Any" in unique:
        return "Any"
    named = [each for each in unique if each != "None"]
    return " | ".join([*named, "None"] if "None" in unique else named)


def _method(path: str, verb: str, operation: Json) -> str:
    inside = [each for each in operation["parameters"] if each["in"] == "path"]
    query = [each for each in operation["parameters"] if each["in"] == "query"]
    taken = [f"{each['name']}: {type_of(each['schema'])}" for each in inside]
    body = operation.get("requestBody")
    content = next(iter((body or {}).get("content", {}).items()), ("", {}))
    if body is not None:
        kind = (
            type_of(content[1].get("schema", {}))
            if content[0] == "application/json"
            else "bytes | str"
        )
        taken.append(f"body: {kind}")
    options = [f"{each['name']}: {_optional(each)} = None" for each in query]
    said = ", ".join(["self", *taken, *(["*", *options] if options else [])])
    answer = next(each for status, each in operation["responses"].items() if status[0] == "2")
    kind, gives = _answer(answer["content"])
    asked = ", ".join(f'"{each["name"]}": {each["name"]}' for each in query)
    sent = f', body, "{content[0]}"' if body is not None else ""
    call = f'await self._send("{verb.upper()}", f"{path}", {{{asked}}}{sent})'
    return (
        f"\n    async def {operation['operationId']}({said}) -> {kind}:\n"
        f'        """{operation["description"]}"""\n'
        f"        answer = {call}\n"
        f"        return {gives}"
    )


def _optional(parameter: Json) -> str:
    kind = type_of(parameter["schema"])
    return kind if kind.endswith("| None") else f"{kind} | None"


def _answer(content: Json) -> tuple[str, str]:
    for media, each in content.items():
        if media == "application/json":
            kind = type_of(each.get("schema", {}))
            return kind, f"_read(answer, {kind})"
    return "bytes", "answer.content"


def document() -> Json:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        app = create_app(
            settings, dsn="postgresql://nowhere", vault=Vault(bytes(32)), ticking=False
        )
        return description_of(app)


if __name__ == "__main__":
    FILE.write_text(made(document()), encoding="utf-8")
