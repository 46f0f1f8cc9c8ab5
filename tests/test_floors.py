"""The house rules that no ordinary linter knows, and for each a planted breach that must show."""

import ast
import graphlib
import io
import keyword
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import REPOSITORY

FLOORS = ("kernel", "registry", "closedloop", "alerts", "checkpoint")
ROOMS = (*FLOORS, "tests", "bench")
EDGE = {"pages", "api", "feed"}
ROOT = "checkpoint.app"
LONGEST = 300
FREIGHT = frozenset(["truck", "lorry", "trailer", "vehicle", "plate", "driver", "crew", "cargo", "freight", "haulier", "consignee", "movement", "scan", "pass", "gate", "lane", "checkpost", "poster", "convoy"])  # fmt: skip
VERBS_TOO = frozenset({"pass", "scan"})  # no nouns of freight in a sentence of English
FREIGHT_CHINESE = re.compile("车|货|司机|司乘|通行证|卡口")

Rule = Callable[[Path], list[str]]


def modules(tree: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for floor in FLOORS:
        for file in sorted((tree / floor).rglob("*.py")):
            parts = file.relative_to(tree).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"), file)


def imported(module: str, file: Path, known: dict[str, Path]) -> set[str]:
    """Name the modules of this house which a file imports, wherever in it the import stands."""
    names: set[str] = set()
    package = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(parse(file)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                names.add(inner if inner in known else base)
    return {name for name in names if name.partition(".")[0] in FLOORS and name != module}


def imports(tree: Path) -> dict[str, set[str]]:
    known = modules(tree)
    return {module: imported(module, file, known) for module, file in known.items()}


def upward(tree: Path) -> list[str]:
    def floor(module: str) -> int:
        return FLOORS.index(module.partition(".")[0])

    return [
        f"{module} looks up to {target}"
        for module, targets in imports(tree).items()
        for target in targets
        if floor(target) > floor(module)
    ]


def circles(tree: Path) -> list[str]:
    try:
        tuple(graphlib.TopologicalSorter(imports(tree)).static_order())
    except graphlib.CycleError as error:
        return [" <- ".join(error.args[1])]
    return []


def edges(tree: Path) -> list[str]:
    return [
        f"{module} imports the edge {target}"
        for module, targets in imports(tree).items()
        for target in targets
        if module != ROOT and target.rpartition(".")[2] in EDGE
    ]


def hidden_imports(tree: Path) -> list[str]:
    return [
        f"{module}:{inner.lineno} imports inside {node.name}"
        for module, file in modules(tree).items()
        for node in ast.walk(parse(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]


def words(text: str) -> Iterator[str]:
    for word in re.findall("[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text):
        noun = word.lower()
        yield from (noun, noun.removesuffix("s"), noun.removesuffix("es"))
        yield re.sub("ies$", "y", noun)


def freight_in_the_cellar(tree: Path) -> list[str]:
    said: list[str] = []
    for file in sorted((tree / "kernel").rglob("*.py")):
        for token in tokenize.generate_tokens(io.StringIO(file.read_text("utf-8")).readline):
            if token.type == tokenize.NAME and keyword.iskeyword(token.string):
                continue
            nouns = FREIGHT.intersection(words(token.string))
            if " " in token.string:
                nouns -= VERBS_TOO
            if nouns or FREIGHT_CHINESE.search(token.string):
                said.append(f"{file.relative_to(tree)}:{token.start[0]} says {token.string!r}")
    return said


def long_files(tree: Path) -> list[str]:
    return [
        f"{file.relative_to(tree)} has {length} lines"
        for room in ROOMS
        for file in sorted((tree / room).rglob("*"))
        if file.suffix in {".py", ".js"}
        and not {"vendor", "node_modules"}.intersection(file.parts)
        and not file.name.endswith(".min.js")
        and (length := len(file.read_text("utf-8").splitlines())) > LONGEST
    ]


RULES: tuple[Rule, ...] = (
    upward,
    circles,
    edges,
    hidden_imports,
    freight_in_the_cellar,
    long_files,
)


@pytest.mark.parametrize("rule", RULES)
def test_the_house_keeps_the_rule(rule: Rule):
    assert rule(REPOSITORY) == []


def test_the_house_was_looked_at():
    assert set(FLOORS) <= set(modules(REPOSITORY))
    assert "kernel.errors" in imports(REPOSITORY)["kernel.db"]


BREACHES: tuple[tuple[Rule, dict[str, str]], ...] = (
    (upward, {"kernel/a.py": "import registry.b", "registry/b.py": ""}),
    (upward, {"registry/a.py": "from closedloop import b", "closedloop/b.py": ""}),
    (upward, {"alerts/a.py": "def f():\n    from checkpoint.b import c", "checkpoint/b.py": ""}),
    (circles, {"registry/a.py": "from registry import b", "registry/b.py": "import registry.a"}),
    (circles, {"registry/a.py": "from . import b", "registry/b.py": "from .a import c"}),
    (edges, {"registry/a.py": "from registry import pages", "registry/pages.py": ""}),
    (edges, {"checkpoint/a.py": "from alerts.feed import f", "alerts/feed.py": ""}),
    (edges, {"checkpoint/a.py": "import registry.api", "registry/api.py": ""}),
    (hidden_imports, {"registry/a.py": "def f():\n    import json"}),
    (hidden_imports, {"kernel/a.py": "class A:\n    async def f(self):\n        from b import c"}),
    (freight_in_the_cellar, {"kernel/a.py": "truck_id = 1"}),
    (freight_in_the_cellar, {"kernel/a.py": "class LicencePlate: ..."}),
    (freight_in_the_cellar, {"kernel/a.py": "x = 'two vehicles'"}),
    (freight_in_the_cellar, {"kernel/a.py": "x = 1  # for Lorries only"}),
    (freight_in_the_cellar, {"kernel/a.py": "x = f'{a}_gate'"}),
    (freight_in_the_cellar, {"kernel/a.py": "new_pass = 1"}),
    (freight_in_the_cellar, {"kernel/a.py": "x = '货物'"}),
    (long_files, {"alerts/a.py": "\n" * 301}),
    (long_files, {"checkpoint/static/a.js": "\n" * 301}),
)


@pytest.mark.parametrize(("rule", "files"), BREACHES)
def test_a_planted_breach_is_seen(rule: Rule, files: dict[str, str], tmp_path: Path):
    plant(tmp_path, files)
    assert len(rule(tmp_path)) == 1


GOOD = {
    "kernel/a.py": "template = 1  # two gateways pass, one may navigate\ndef f():\n    pass",
    "registry/queries.py": "from kernel import a",
    "registry/api.py": "import registry.queries",
    "closedloop/b.py": "from kernel.a import c",
    "checkpoint/app.py": "from registry import api",
    "checkpoint/static/vendor/big.js": "\n" * 301,
    "registry/exactly.py": "\n" * 300,
}


@pytest.mark.parametrize("rule", RULES)
def test_what_is_allowed_is_not_a_breach(rule: Rule, tmp_path: Path):
    plant(tmp_path, GOOD)
    assert rule(tmp_path) == []


def plant(tree: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text, "utf-8")
