"""The passwords and tokens of a demo installation: random, and kept in one file for its owner."""

import os
import secrets
from pathlib import Path

from msgspec import Struct

FILE = "logins.txt"
_HEADING = "# Log-ins of the demo city, made at its first start. Not for real traffic.\n"
# Without the letters and digits that are taken for one another.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_LENGTH = 14


class DemoLogin(Struct, frozen=True, kw_only=True):
    role: str
    login: str
    password: str
    place: str


class DemoLogins(Struct, frozen=True, kw_only=True):
    """Tokens by the id of their place, one device each."""

    logins: tuple[DemoLogin, ...]
    lane_tokens: dict[int, str]
    firm_tokens: dict[int, str]
    venue_tokens: dict[int, str] = {}
    camera_tokens: dict[int, str] = {}


class Secrets:
    """Name → secret, as the file has it. A name that is missing gets a random one."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.known = _read(self.path) if self.path.exists() else {}
        self.made: set[str] = set()

    def take(self, kind: str, name: str, note: str = "") -> str:
        key = f"{kind} {name}"
        if key not in self.known:
            new = secrets.token_urlsafe(32) if kind == "token" else _password()
            self.known[key] = (new, note)
            self.made.add(key)
        return self.known[key][0]

    def is_new(self, kind: str, name: str) -> bool:
        return f"{kind} {name}" in self.made

    def keep(self) -> None:
        """The file appears whole or not at all, and for its owner only."""
        if not self.made:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f".{FILE}.{secrets.token_hex(8)}")
        lines = (f"{key}\t{secret}\t{note}\n" for key, (secret, note) in self.known.items())
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(_HEADING)
            file.writelines(lines)
        draft.replace(self.path)


def _password() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def _read(path: Path) -> dict[str, tuple[str, str]]:
    known: dict[str, tuple[str, str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        key, _, rest = line.partition("\t")
        secret, _, note = rest.partition("\t")
        if secret and not key.startswith("#"):
            known[key] = (secret, note)
    return known
