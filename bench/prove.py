"""Runs every bench and every fault suite at its long setting, and writes docs/figures.md.

`python -m bench.prove` runs all; `python -m bench.prove scans kills` these, and keeps what the
others said before. What each one said stands in var/proofs/. Nothing in the page is typed by hand.
"""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime

import msgspec

from bench.bench_scans import ROOT, commit_of, machine
from bench.figures_page import page
from bench.proving import PROOFS, Proof, Result, read_all, twins_found

KEPT = ROOT / "docs" / "figures.json"
PAGE = ROOT / "docs" / "figures.md"
SAID = ROOT / "var" / "proofs"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    machine: str
    results: dict[str, Result]


def main() -> None:
    chosen = sys.argv[1:]
    unknown = set(chosen) - {proof.name for proof in PROOFS}
    if unknown:
        sys.exit(f"there is no proof {', '.join(sorted(unknown))}: {[p.name for p in PROOFS]}")
    results = _kept() if chosen else {}
    SAID.mkdir(parents=True, exist_ok=True)
    for proof in PROOFS:
        if not chosen or proof.name in chosen:
            results[proof.name] = run(proof)
            _write(results)
    failed = [name for name, result in results.items() if not result.holds]
    print(f"{len(results) - len(failed)} of {len(PROOFS)} hold; not: {', '.join(failed) or '-'}")
    sys.exit(1 if failed else 0)


def _kept() -> dict[str, Result]:
    return msgspec.json.decode(KEPT.read_bytes(), type=Kept).results if KEPT.exists() else {}


def _write(results: dict[str, Result]) -> None:
    ordered = {proof.name: results[proof.name] for proof in PROOFS if proof.name in results}
    kept = Kept(machine=machine(), results=ordered)
    KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
    PAGE.write_text(page(kept.machine, PROOFS, ordered), "utf-8")


def run(proof: Proof) -> Result:
    print(f"{proof.name} ...", end=" ", flush=True)
    began = time.monotonic()
    said, wrong = _said(proof)
    seconds = round(time.monotonic() - began)
    (SAID / f"{proof.name}.txt").write_text(said, "utf-8")
    result = Result(
        name=proof.name,
        commit=commit_of(),
        day=datetime.now(UTC).strftime("%Y-%m-%d"),
        seconds=seconds,
        figures=read_all(proof, said),
        twins=twins_found(proof, said),
        wrong=wrong,
    )
    print(f"{'holds' if result.holds else 'DOES NOT HOLD'} ({seconds} s)", flush=True)
    return result


def _said(proof: Proof) -> tuple[str, str]:
    """What it printed, and what was wrong with it."""
    command = [sys.executable, "-m", *proof.command]
    if proof.command[0] == "pytest":
        command += ["-q", "-s", "-rA", "--no-header", f"--timeout={proof.minutes * 60}"]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | dict(proof.env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=proof.minutes * 60,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        said = (error.stdout or b"").decode(errors="replace")
        return said, f"not over after {proof.minutes} min"
    return done.stdout, "" if done.returncode == 0 else _last_words(done.stdout)


def _last_words(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "nothing was said"


if __name__ == "__main__":
    main()
