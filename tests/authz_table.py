"""`python -m tests.authz_table`: rows that tests/authz.csv lacks, as the guards have them, to be
judged by a person and put there; and rows without a route.

With `--all`, every row. Where a route reaches for somebody's things, the guards say nothing about
whose: the test then shows the row as it is, and a person says whether that is right.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

from checkpoint.app import create_app
from kernel.privacy import Vault
from kernel.settings import Settings
from tests.authz import about_somebody, as_line, proposed, read_table, routes
from tests.authz_bodies import BODIES

#: The guards look at no place.
PLACES: dict[str, int] = dict.fromkeys(
    [f"{far}{side}" for far in ("", "other-", "far-") for side in ("lane", "firm", "body")], 1
)


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.authz_table", description=__doc__)
    parser.add_argument("--all", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(
            Settings(data_dir=Path(folder)), dsn="postgresql://nowhere", vault=Vault(bytes(32))
        )
    table = {} if chosen.all else read_table()
    found = {route.name: route for route in routes(app)}
    for name, route in found.items():
        if name not in table:
            whole = about_somebody(route, BODIES)
            print(as_line(name, await proposed(route, PLACES, whole=whole)))
    for name in table.keys() - found.keys():
        print(f"# no such route any more: {name}")


if __name__ == "__main__":
    asyncio.run(main())
