"""Whether a value is as a schema says: the part of JSON Schema that the API's description uses."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

Json = dict[str, Any]
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,),
    "array": (list,), "object": (dict,), "null": (type(None),),
}  # fmt: skip
FORMATS = {"uuid": UUID, "date-time": datetime.fromisoformat}


def faults(  # noqa: C901 - one rule after the other
    value: Any, schema: Json, known: Json, at: str = "$"
) -> Iterator[str]:
    """Paths of what does not fit, with the rule that it breaks."""
    if "$ref" in schema:
        schema = known[schema["$ref"].rpartition("/")[2]]
    for choice in ("oneOf", "anyOf"):
        if choice in schema and not any(
            not list(faults(value, each, known, at)) for each in schema[choice]
        ):
            yield f"{at}: {choice}"
    if "allOf" in schema:
        for each in schema["allOf"]:
            yield from faults(value, each, known, at)
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: enum"
    if "const" in schema and value != schema["const"]:
        yield f"{at}: const"
    if not _is_of(value, schema.get("type")):
        yield f"{at}: type"
        return
    yield from _bounds(value, schema, at)
    if isinstance(value, dict):
        yield from _members(value, schema, known, at)
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        for number, each in enumerate(value):
            yield from faults(each, schema["items"], known, f"{at}[{number}]")


def _is_of(value: Any, said: str | list[str] | None) -> bool:
    names = [said] if isinstance(said, str) else said or list(TYPES)
    if isinstance(value, bool):
        return "boolean" in names
    return any(isinstance(value, TYPES[name]) for name in names)


def _bounds(value: Any, schema: Json, at: str) -> Iterator[str]:
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{at}: pattern"
        if len(value) > schema.get("maxLength", len(value)):
            yield f"{at}: maxLength"
        if len(value) < schema.get("minLength", 0):
            yield f"{at}: minLength"
        if schema.get("format") in FORMATS:
            try:
                FORMATS[schema["format"]](value)
            except ValueError:
                yield f"{at}: format"
    elif (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and not schema.get("minimum", value) <= value <= schema.get("maximum", value)
    ):
        yield f"{at}: bounds"


def _members(value: Json, schema: Json, known: Json, at: str) -> Iterator[str]:
    told = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at}.{name}: required"
    for name, each in value.items():
        if name in told:
            yield from faults(each, told[name], known, f"{at}.{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{at}.{name}: additionalProperties"
        elif isinstance(schema.get("additionalProperties"), dict):
            yield from faults(each, schema["additionalProperties"], known, f"{at}.{name}")
