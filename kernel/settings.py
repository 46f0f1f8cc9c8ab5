"""All settings, read once from the environment; nothing else looks there."""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from kernel.outgoing import NOTHING, Allowed, allowed

_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"", "0", "false", "no", "off"})
_KEY_BYTES = 32
_HIGHEST_PORT = 65535


class BadSettingError(ValueError):
    """A setting cannot be used; the text names the variable and what it takes."""


class Settings(Struct, frozen=True, kw_only=True):
    database_url: str | None = None
    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8000
    city: str = "4102"
    workers: int = 1
    sweep_seconds: float = 5.0
    secure_cookies: bool = False
    public_url: str = "http://127.0.0.1:8000"
    master_key: str | None = None
    old_master_key: str | None = None
    pool_size: int = 10
    #: `console`, or the address of a gateway for text messages; empty: none can be sent.
    sms: str = ""
    sms_secret: str = ""
    #: Hosts and networks of an intranet that webhooks may reach although they are not public.
    webhook_allow: Allowed = NOTHING
    idle_minutes: int = 30
    session_hours: int = 12
    #: What can wait is turned away while urgent work waits longer than this; 0: never.
    urgent_ms: int = 100
    #: A second application for whoever tries a program, on a database of its own.
    sandbox: bool = False

    def __repr__(self) -> str:
        # The database password and the master key must not reach a log through a repr.
        return f"Settings(data_dir={str(self.data_dir)!r}, host={self.host!r}, port={self.port})"


def _whole(env: Mapping[str, str], name: str, default: int, *, top: int, least: int = 1) -> int:
    given = env.get(name, "").strip()
    if not given:
        return default
    if not (given.isascii() and given.isdigit() and least <= int(given) <= top):
        message = f"{name} must be a whole number from {least} to {top}, not {given!r}."
        raise BadSettingError(message)
    return int(given)


def _seconds(env: Mapping[str, str], name: str, default: float) -> float:
    given = env.get(name, "").strip() or str(default)
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        message = f"{name} must be a number of seconds above zero, not {given!r}."
        raise BadSettingError(message)
    return seconds


def _switch(env: Mapping[str, str], name: str) -> bool:
    given = env.get(name, "").strip().lower()
    if given not in _YES | _NO:
        message = f"{name} must be 1 or 0, not {given!r}."
        raise BadSettingError(message)
    return given in _YES


def _city(env: Mapping[str, str]) -> str:
    given = env.get("CHECKPOINT_CITY", "").strip() or "4102"
    if len(given) != 4 or not (given.isascii() and given.isdigit()) or given[0] == "0":
        message = (
            "CHECKPOINT_CITY must be the first four digits of the city's code in GB/T 2260, "
            f"such as 4102, not {given!r}."
        )
        raise BadSettingError(message)
    return given


def _master_key(env: Mapping[str, str], name: str) -> str | None:
    given = env.get(name, "").strip()
    if not given:
        return None
    try:
        fits = len(base64.b64decode(given, validate=True)) == _KEY_BYTES
    except binascii.Error:
        fits = False
    if not fits:  # the value itself stays out of the message
        message = f"{name} must be 32 bytes in base64."
        raise BadSettingError(message)
    return given


def read_settings(env: Mapping[str, str]) -> Settings:
    """Read the environment. Raises BadSettingError."""
    host = env.get("HOST", "").strip() or "127.0.0.1"
    port = _whole(env, "PORT", 8000, top=_HIGHEST_PORT)
    return Settings(
        database_url=env.get("DATABASE_URL", "").strip() or None,
        data_dir=Path(env.get("CHECKPOINT_DATA", "").strip() or "var").absolute(),
        host=host,
        port=port,
        city=_city(env),
        workers=_whole(env, "CHECKPOINT_WORKERS", 1, top=64),
        sweep_seconds=_seconds(env, "CHECKPOINT_SWEEP_SECONDS", 5.0),
        secure_cookies=_switch(env, "CHECKPOINT_SECURE_COOKIES"),
        public_url=_public_url(env, port),
        master_key=_master_key(env, "CHECKPOINT_MASTER_KEY"),
        old_master_key=_master_key(env, "CHECKPOINT_OLD_MASTER_KEY"),
        pool_size=_whole(env, "CHECKPOINT_POOL", 10, top=500),
        sms=_sms(env),
        sms_secret=env.get("CHECKPOINT_SMS_SECRET", "").strip(),
        webhook_allow=_webhook_allow(env),
        idle_minutes=_whole(env, "CHECKPOINT_IDLE_MINUTES", 30, top=24 * 60),
        session_hours=_whole(env, "CHECKPOINT_SESSION_HOURS", 12, top=24),
        urgent_ms=_whole(env, "CHECKPOINT_URGENT_MS", 100, top=60_000, least=0),
        sandbox=_switch(env, "CHECKPOINT_SANDBOX"),
    )


def _webhook_allow(env: Mapping[str, str]) -> Allowed:
    try:
        return allowed(env.get("CHECKPOINT_WEBHOOK_ALLOW", "").split(","))
    except ValueError as error:
        message = "CHECKPOINT_WEBHOOK_ALLOW lists host names and networks, with commas between."
        raise BadSettingError(message) from error


def _sms(env: Mapping[str, str]) -> str:
    given = env.get("CHECKPOINT_SMS", "").strip()
    if given in {"", "console"}:
        return given
    if not given.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        message = "CHECKPOINT_SMS must be `console` or an address that begins with https://."
        raise BadSettingError(message)
    if not env.get("CHECKPOINT_SMS_SECRET", "").strip():
        message = "CHECKPOINT_SMS needs CHECKPOINT_SMS_SECRET, with which messages are signed."
        raise BadSettingError(message)
    return given


def _public_url(env: Mapping[str, str], port: int) -> str:
    given = env.get("CHECKPOINT_PUBLIC_URL", "").strip().rstrip("/")
    if given and not given.startswith(("http://", "https://")):
        message = f"CHECKPOINT_PUBLIC_URL must begin with http:// or https://, not {given!r}."
        raise BadSettingError(message)
    return given or f"http://127.0.0.1:{port}"
