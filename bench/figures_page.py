"""docs/figures.md, written from what the proofs printed."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.proving import Figure, Proof, Result, bound

HEAD = (Path(__file__).parent / "figures_head.md").read_text("utf-8")
CHAPTERS = {
    "right": "Right, whatever happens",
    "faults": "Faults",
    "attacks": "Attacks",
    "speed": "Speed",
    "size": "Size and growth",
}
INVARIANTS = {
    "I1": "every acknowledged event is stored exactly once",
    "I2": "state is the fold of the events, in any order",
    "I3": "one alert for each movement, stop, limb, limit and step; none for who arrived in time",
    "I4": "late evidence closes, and never erases",
    "I5": "a revoked pass never shows green where the list is new enough, and its age is shown",
    "I6": "one pass with two trucks is flagged",
    "I7": "attempts for a person stay within the cap, whatever the workers, addresses and restarts",
    "I8": "no personal data outside the right to see it",
    "I9": "every read of personal data has its row",
    "I10": "no white card for a compliant vehicle",
    "I11": "no hold without a source",
    "I12": "nothing is ordered by a gate’s clock alone",
}


def page(machine: str, proofs: Sequence[Proof], results: Mapping[str, Result]) -> str:
    parts = [HEAD, _summary(machine, proofs, results), _invariants(proofs, results)]
    parts += [_chapter(kind, proofs, results) for kind in CHAPTERS]
    return "\n".join(part for part in parts if part)


def _summary(machine: str, proofs: Sequence[Proof], results: Mapping[str, Result]) -> str:
    holding = sum(result.holds for result in results.values())
    seconds = sum(result.seconds for result in results.values())
    twins = [found for result in results.values() for found in result.twins.values()]
    return (
        f"{len(proofs)} proofs, {holding} hold; {sum(twins)} of {len(twins)} twins found; "
        f"{seconds / 60:.0f} minutes in all. Machine: {machine}.\n"
    )


def _invariants(proofs: Sequence[Proof], results: Mapping[str, Result]) -> str:
    rows = ["## Invariants", "", "| | promise | proof | holds |", "|---|---|---|---|"]
    for number, promise in INVARIANTS.items():
        by = [proof.name for proof in proofs if number in proof.of]
        links = ", ".join(f"[{name}](#{name})" for name in by)
        rows.append(f"| {number} | {promise} | {links or '–'} | {_holds(by, results)} |")
    return "\n".join([*rows, ""])


def _holds(names: Sequence[str], results: Mapping[str, Result]) -> str:
    if not names or any(name not in results for name in names):
        return "not shown"
    return "yes" if all(results[name].holds for name in names) else "**no**"


def _chapter(kind: str, proofs: Sequence[Proof], results: Mapping[str, Result]) -> str:
    rows = [f"## {CHAPTERS[kind]}", ""]
    for proof in proofs:
        if proof.kind == kind:
            rows += _proof(proof, results.get(proof.name))
    return "\n".join(rows)


def _proof(proof: Proof, result: Result | None) -> Iterator[str]:
    yield from (f"### {proof.name}", "", proof.what, "", f"`{_command(proof)}`", "")
    if result is None:
        yield from ("Not run yet.", "")
        return
    if result.wrong:
        yield from (f"**It did not end well**: `{result.wrong}`", "")
    yield from ("| figure | value | goal | reached | N, bound |", "|---|---|---|---|---|")
    yield from (_row(figure) for figure in result.figures)
    if result.twins:
        found = ", ".join(
            f"{name.removeprefix('test_').replace('_', ' ')}: {'found' if seen else '**missed**'}"
            for name, seen in result.twins.items()
        )
        yield from ("", f"Twins: {found}.")
    yield from ("", f"{result.day}, commit {result.commit}, {result.seconds} s.", "")


def _command(proof: Proof) -> str:
    settings = " ".join(f"{name}={value}" for name, value in proof.env.items())
    return f"{settings} python -m {' '.join(proof.command)}".strip()


def _row(figure: Figure) -> str:
    reached = {None: "—", True: "yes", False: "**no**"}[figure.met]
    tries = f"{figure.tries:,}; < {bound(figure.tries):.2g}" if figure.tries else "—"
    goal = f"{figure.goal} {figure.unit}".strip() if figure.goal else "—"
    value = f"{figure.value} {figure.unit}".strip()
    return f"| {figure.says} | {value} | {goal} | {reached} | {tries} |"
