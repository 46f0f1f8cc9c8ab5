"""Sealing, look-up and masking of personal data.

Sealed value: a zero byte, the data key's number (4 bytes), nonce (12 bytes), AES-256-GCM ciphertext
with its tag (16 bytes). Older values, and those of a vault without a key ring, begin with the id of
a master key (1 byte, never 0) in place of the first five. The key comes from the data key by HKDF
for each field, and the field's name is bound to the ciphertext, so that a value copied from one
column into another does not open there.
"""

import base64
import binascii
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from msgspec import Struct

from kernel.errors import Conflict, Malformed, Unavailable
from kernel.settings import Settings

KEY_BYTES = 32
KEY_FILE = "master.key"
_NONCE_BYTES = 12
_PERSONAL = re.compile(r"(?<!\d)(?:\d{17}[\dXx]|\d{15}|(?:\+?86)?1[3-9]\d{9})(?!\d)")
_LONG_NUMBER = 11
_SHORT_NUMBER = 6
_NO_KEYS: Mapping[int, bytes] = MappingProxyType({})
_ENVELOPE = 0
_HEADER_BYTES = 5


class Ring(Struct, frozen=True, kw_only=True):
    """The data keys of one database, unwrapped (kernel/keyring.py reads them).

    `root` is what look-ups, tags and values of the older format hang on, for ever; `sealing` names
    the key that seals, None where none does yet; `destroyed` names keys that are gone for good.
    """

    root: bytes
    keys: Mapping[int, bytes]
    sealing: int | None
    destroyed: frozenset[int] = frozenset()

    def __repr__(self) -> str:
        return f"Ring(sealing={self.sealing}, keys={sorted(self.keys)})"


class Vault:
    """Seals, and opens what is sealed.

    Without a ring it seals under the master key itself: `key_id` (1 to 255) is written in front of
    everything sealed, and `retired` maps the ids of earlier master keys to their bytes.
    """

    __slots__ = ("_derived", "_key_id", "_master", "_ring", "_roots")

    def __init__(
        self, master_key: bytes, *, key_id: int = 1, retired: Mapping[int, bytes] = _NO_KEYS
    ) -> None:
        masters = {key_id: master_key} | {i: k for i, k in retired.items() if i != key_id}
        for number, key in masters.items():
            if len(key) != KEY_BYTES:
                raise Unavailable("master_key_size", expected=KEY_BYTES, found=len(key))
            if number == _ENVELOPE:
                message = "0 stands for a data key"
                raise ValueError(message)
            bytes([number])
        self._master = master_key
        self._roots = {number: _extract(key) for number, key in masters.items()}
        self._key_id = key_id
        self._ring: Ring | None = None
        self._derived: dict[tuple[bytes, str, str], bytes] = {}

    @property
    def ring(self) -> Ring | None:
        return self._ring

    def adopt(self, ring: Ring) -> None:
        """From now on seal with this ring, for whoever holds this vault."""
        self._roots[self._key_id] = ring.root
        self._ring = ring
        self._derived = {}

    def root(self) -> bytes:
        """What the first ring of a database begins with, so that what is there stays valid."""
        return self._roots[self._key_id]

    def seal(self, plain: str, *, field: str) -> bytes:
        return self.seal_bytes(plain.encode(), field=field)

    def seal_bytes(self, plain: bytes, *, field: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        ring = self._ring
        if ring is None or ring.sealing is None:
            header, key = bytes([self._key_id]), self._roots[self._key_id]
            bound = field.encode()
        else:
            header = bytes([_ENVELOPE]) + ring.sealing.to_bytes(_HEADER_BYTES - 1)
            key, bound = ring.keys[ring.sealing], header + field.encode()
        cipher = AESGCM(self._key(key, "seal", field))
        return header + nonce + cipher.encrypt(nonce, plain, bound)

    def open(self, sealed: bytes, *, field: str) -> str:
        """Raises Unavailable: `sealed_key_unknown`, `sealed_unreadable` (altered or misplaced);
        Conflict `erased` where the key was destroyed.
        """
        try:
            return self.open_bytes(sealed, field=field).decode()
        except UnicodeDecodeError as error:
            raise Unavailable("sealed_unreadable", field=field) from error

    def open_bytes(self, sealed: bytes, *, field: str) -> bytes:
        """Raises what `open` raises."""
        header, key = self._sealed_with(sealed, field)
        bound = field.encode() if len(header) == 1 else header + field.encode()
        nonce = sealed[len(header) : len(header) + _NONCE_BYTES]
        body = sealed[len(header) + _NONCE_BYTES :]
        cipher = AESGCM(self._key(key, "seal", field))
        try:
            return cipher.decrypt(nonce, body, bound)
        except (InvalidTag, ValueError) as error:
            raise Unavailable("sealed_unreadable", field=field) from error

    def read(self, sealed: bytes | None, *, field: str) -> str | None:
        """Like `open`; None where there is nothing, or nothing any more."""
        if sealed is None:
            return None
        try:
            return self.open(sealed, field=field)
        except Conflict:
            return None

    def _sealed_with(self, sealed: bytes, field: str) -> tuple[bytes, bytes]:
        """The bytes in front that name the key, and the key."""
        if sealed and sealed[0] in self._roots:
            return sealed[:1], self._roots[sealed[0]]
        ring, header = self._ring, sealed[:_HEADER_BYTES]
        if ring is None or len(header) < _HEADER_BYTES or header[0] != _ENVELOPE:
            raise Unavailable("sealed_key_unknown", field=field)
        number = int.from_bytes(header[1:])
        if number in ring.destroyed:
            raise Conflict("erased", field=field)
        if number not in ring.keys:
            raise Unavailable("sealed_key_unknown", field=field)
        return header, ring.keys[number]

    def blind(self, value: str, *, field: str) -> bytes:
        """32 bytes, equal for equal values of one field. Normalise the value first."""
        return _hmac(self._key(self.root(), "blind", field), value.encode())

    def blinds(self, value: str, *, field: str) -> list[bytes]:
        """The blind index under every key of the ring, the current one first: for look-ups."""
        roots = self._roots.values()
        return [_hmac(self._key(root, "blind", field), value.encode()) for root in roots]

    def mac(self, purpose: str, data: bytes) -> bytes:
        return _hmac(self._key(self.root(), "mac", purpose), data)

    def macs(self, purpose: str, data: bytes) -> list[bytes]:
        """The tag under every key of the ring, the current one first: for checking."""
        return [_hmac(self._key(root, "mac", purpose), data) for root in self._roots.values()]

    def fingerprint(self) -> str:
        """Tells master keys apart without telling anything of them; safe to store and to show."""
        return _hmac(self._key(_extract(self._master), "mac", "fingerprint"), b"").hex()[:16]

    def wrapping_key(self) -> bytes:
        """Under the master key itself: what wraps the data keys."""
        return self._key(_extract(self._master), "wrap", "data_key")

    def _key(self, root: bytes, use: str, name: str) -> bytes:
        found = self._derived.get((root, use, name))
        if found is None:
            info = b"\0".join((b"checkpoint", use.encode(), name.encode()))
            expand = HKDFExpand(algorithm=SHA256(), length=KEY_BYTES, info=info)
            found = self._derived[root, use, name] = expand.derive(root)
        return found


def _extract(key: bytes) -> bytes:
    """The first half of HKDF, without a salt (RFC 5869, 2.2)."""
    return _hmac(bytes(KEY_BYTES), key)


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def load_master_key(settings: Settings) -> bytes:
    """The setting if given, else `master.key` in the data directory, made on the first start.

    Raises Unavailable: `master_key_malformed`, `master_key_size`, `master_key_unreadable`.
    """
    if settings.master_key:
        return _decode(settings.master_key, "CHECKPOINT_MASTER_KEY")
    path = settings.data_dir / KEY_FILE
    try:
        if not path.exists():
            _create(path)
        text = path.read_text("ascii")
    except UnicodeDecodeError as error:
        raise Unavailable("master_key_malformed", where=str(path)) from error
    except OSError as error:
        raise Unavailable("master_key_unreadable", where=str(path)) from error
    return _decode(text, str(path))


def old_master_key(settings: Settings) -> bytes:
    """The key under which the data keys were wrapped so far. Raises Malformed `old_key_needed`."""
    if not settings.old_master_key:
        raise Malformed("old_key_needed")
    return _decode(settings.old_master_key, "CHECKPOINT_OLD_MASTER_KEY")


def _decode(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unavailable("master_key_malformed", where=where) from error
    if len(key) != KEY_BYTES:
        raise Unavailable("master_key_size", where=where, expected=KEY_BYTES, found=len(key))
    return key


def _create(path: Path) -> None:
    """The file appears whole or not at all; of several workers that start at once one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        # A link refuses to replace a key that another worker has just made; a rename would not.
        with suppress(FileExistsError):
            path.hardlink_to(draft)
        _sync(path.parent)
    finally:
        draft.unlink()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def without_numbers(text: str) -> str:
    """Free text without what looks like a person's document or telephone number."""
    return _PERSONAL.sub("***", text)


def mask_name(name: str) -> str:
    """李小龙 becomes 李**; a name of one character is hidden whole."""
    return "*" if len(name) == 1 else name[:1] + "*" * (len(name) - 1)


def mask_id(number: str) -> str:
    """410221199001011234 becomes 410***********1234; shorter numbers show less."""
    return _masked(number, _LONG_NUMBER + 1)


def mask_phone(number: str) -> str:
    """13812345678 becomes 138****5678, with or without +86 in front."""
    return _masked(number.removeprefix("+86"), _LONG_NUMBER)


def _masked(text: str, long: int) -> str:
    size = len(text)
    if size >= long:
        head, tail = 3, 4
    elif size > _SHORT_NUMBER:
        head, tail = 1, 2
    else:
        head, tail = 0, 0
    return text[:head] + "*" * (size - head - tail) + text[size - tail :]
