"""docs/pages.md has a row for every template and every address of a page, and no other."""

import re
from collections import Counter
from pathlib import Path

from litestar import Litestar

from tests.authz import routes

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs/pages.md").read_text(encoding="utf-8")
FLOORS = ("kernel", "registry", "closedloop", "alerts", "checkpoint")
#: They have no row, because they are no page: what stands in them is told under “Macros”.
IMPORTED = {"base.html", "macros.html", "keypads.html"}
#: For machines, and told elsewhere: docs/api.md and docs/operations.md.
NO_PAGES = ("/api/", "/static/", "/healthz", "/readyz", "/metrics")
SAID = re.compile(r"`(GET|POST) (/[^`?\s]*)")
ROW = re.compile(r"^\| `(\w+\.html)` \|", re.MULTILINE)
NAMED = re.compile(r"\b\w+\.html\b")


def templates() -> set[str]:
    return {file.name for floor in FLOORS for file in (ROOT / floor / "templates").glob("*.html")}


def plain(path: str) -> str:
    """Whatever a parameter is called; the two parts of a pass's address are one of them."""
    return re.sub(r"\{[^}]*\}", "{}", path).replace("{}-{}", "{}")


def told(document: str) -> set[str]:
    return {f"{method} {plain(path)}" for method, path in SAID.findall(document)}


def served(app: Litestar) -> set[str]:
    pages = (route for route in routes(app) if not route.path.startswith(NO_PAGES))
    return {f"{route.method} {plain(route.path)}" for route in pages}


def test_every_template_has_one_row() -> None:
    rows = Counter(ROW.findall(DOCUMENT))
    assert set(rows) == templates() - IMPORTED
    assert [name for name, count in rows.items() if count > 1] == []


def test_every_template_that_is_named_is_there() -> None:
    assert set(NAMED.findall(DOCUMENT)) - templates() == set()


async def test_every_address_is_told_and_no_other(app: Litestar) -> None:
    found = served(app)
    assert found - told(DOCUMENT) == set()
    assert told(DOCUMENT) - found == set()


async def test_a_row_that_is_missing_or_made_up_is_found(app: Litestar) -> None:
    found = served(app)
    shorter = DOCUMENT.replace("`GET /d/l/{link}`", "")
    assert found - told(shorter) == {"GET /d/l/{}"}
    assert told(f"{DOCUMENT} `POST /reg/places/{{id}}/rotate`") - found == {
        "POST /reg/places/{}/rotate"
    }
