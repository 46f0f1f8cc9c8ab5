"""What runs, who started it, and waiting for what must come about (Linux: read from /proc)."""

import os
import random
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
#: Below the range from which connections take their own end: nobody gets it while a server is down.
PORTS = range(18_000, 28_000)


def wait_until(check: Callable[[], bool], seconds: float, what: str) -> float:
    """Returns the seconds that it took; an AssertionError says what never came about."""
    began = time.monotonic()
    while not check():
        assert time.monotonic() - began < seconds, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - began


def _stat(pid: int) -> list[str]:
    """From the state on: the name before it may hold anything."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def alive(pid: int) -> bool:
    """A zombie is dead: only its parent has not heard of it yet."""
    try:
        return _stat(pid)[0] not in {"Z", "X"}
    except (OSError, IndexError):
        return False


def children(parent: int) -> list[int]:
    """In the order of their start."""
    found: list[tuple[int, int]] = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError, IndexError):
            facts = _stat(int(entry.name))
            if int(facts[1]) == parent and facts[0] not in {"Z", "X"}:
                found.append((int(facts[19]), int(entry.name)))
    return [pid for _, pid in sorted(found)]


def command(pid: int) -> bytes:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def refused(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def free_port() -> int:
    for _ in range(100):
        port = random.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    message = "no free port"
    raise AssertionError(message)
