"""docs/seeds.md says of every fact of the five texts what does it; whatever it names exists."""

import re
from pathlib import Path

from litestar import Litestar

from tests.authz import routes

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs/seeds.md").read_text(encoding="utf-8")
FACTS = 75
ROW = re.compile(r"^\| (\d+) \| [^|]+ \| [0-9 ]+ \| ([^|]+) \| ([^|]*) \|$", re.MULTILINE)
NAMED = re.compile(r"`([^`]+)`")
METHODS = ("GET ", "POST ", "PATCH ")
NOT_OURS = "Not the system’s to do:"


def rows(document: str) -> dict[int, tuple[str, list[str]]]:
    """Number → what is said, and the routes and tests that are named."""
    return {int(n): (said, NAMED.findall(refs)) for n, said, refs in ROW.findall(document)}


def is_there(named: str, served: set[str]) -> bool:
    if named.startswith(METHODS):
        return named in served
    path, _, test = named.partition("::")
    file = ROOT / path
    found = (
        re.search(rf"^(async )?def {re.escape(test)}\(", file.read_text(), re.MULTILINE)
        if (file.is_file())
        else None
    )
    return found is not None


def missing(document: str, app: Litestar) -> list[str]:
    served = {f"{route.method} {route.path}" for route in routes(app)}
    every = [named for _, names in rows(document).values() for named in names]
    return [named for named in every if not is_there(named, served)]


def test_every_fact_has_a_row_that_names_what_does_it_or_says_why_nothing_does() -> None:
    told = rows(DOCUMENT)
    assert sorted(told) == list(range(1, FACTS + 1))
    assert [n for n, (said, names) in told.items() if not names and NOT_OURS not in said] == []


async def test_every_route_and_test_that_is_named_exists(app: Litestar) -> None:
    assert missing(DOCUMENT, app) == []


async def test_a_route_and_a_test_that_are_made_up_are_found(app: Litestar) -> None:
    route, test = "GET /duty/ledger", "test_an_area_counts_from_its_hour_until_its_end"
    assert missing(DOCUMENT.replace(f"`{route}`", "`GET /nowhere`"), app) == ["GET /nowhere"]
    assert len(missing(DOCUMENT.replace(test, "test_nothing"), app)) == 1
    cut = DOCUMENT.replace("\n| 53 | ", "\n| x | ")
    assert sorted(set(range(1, FACTS + 1)) - set(rows(cut))) == [53]
