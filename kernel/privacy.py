"""Sealing, look-up and masking of personal data.

Sealed value: key id (1 byte), nonce (12 bytes), AES-256-GCM ciphertext with its tag (16 bytes).
The data key comes from the master key by HKDF for each field, and the field's name is bound to the
ciphertext, so that a value copied from one column into another does not open there.
"""

import base64
import binascii
import hmac
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kernel.errors import Unavailable
from kernel.settings import Settings

KEY_BYTES = 32
KEY_FILE = "master.key"
_NONCE_BYTES = 12
_LONG_NUMBER = 11
_SHORT_NUMBER = 6
_NO_KEYS: Mapping[int, bytes] = MappingProxyType({})


class Vault:
    """Seals with one master key and still opens what retired ones sealed.

    `key_id` (0 to 255) is written in front of everything sealed; `retired` maps the ids of earlier
    master keys to their bytes.
    """

    __slots__ = ("_derived", "_key_id", "_masters")

    def __init__(
        self, master_key: bytes, *, key_id: int = 1, retired: Mapping[int, bytes] = _NO_KEYS
    ) -> None:
        masters = {key_id: master_key} | {i: k for i, k in retired.items() if i != key_id}
        for number, key in masters.items():
            if len(key) != KEY_BYTES:
                raise Unavailable("master_key_size", expected=KEY_BYTES, found=len(key))
            bytes([number])
        self._masters = masters
        self._key_id = key_id
        self._derived: dict[tuple[int, str, str], bytes] = {}

    def seal(self, plain: str, *, field: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = AESGCM(self._key(self._key_id, "seal", field))
        return bytes([self._key_id]) + nonce + cipher.encrypt(nonce, plain.encode(), field.encode())

    def open(self, sealed: bytes, *, field: str) -> str:
        """Raises Unavailable: `sealed_key_unknown`, `sealed_unreadable` (altered or misplaced)."""
        if not sealed or sealed[0] not in self._masters:
            raise Unavailable("sealed_key_unknown", field=field)
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        cipher = AESGCM(self._key(sealed[0], "seal", field))
        try:
            return cipher.decrypt(nonce, body, field.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise Unavailable("sealed_unreadable", field=field) from error

    def blind(self, value: str, *, field: str) -> bytes:
        """32 bytes, equal for equal values of one field. Normalise the value first."""
        return _hmac(self._key(self._key_id, "blind", field), value.encode())

    def blinds(self, value: str, *, field: str) -> list[bytes]:
        """The blind index under every key of the ring, the current one first: for look-ups."""
        return [_hmac(self._key(i, "blind", field), value.encode()) for i in self._masters]

    def mac(self, purpose: str, data: bytes) -> bytes:
        return _hmac(self._key(self._key_id, "mac", purpose), data)

    def macs(self, purpose: str, data: bytes) -> list[bytes]:
        """The tag under every key of the ring, the current one first: for checking."""
        return [_hmac(self._key(i, "mac", purpose), data) for i in self._masters]

    def fingerprint(self) -> str:
        """Tells master keys apart without telling anything of them; safe to store and to show."""
        return self.mac("fingerprint", b"").hex()[:16]

    def _key(self, key_id: int, use: str, name: str) -> bytes:
        found = self._derived.get((key_id, use, name))
        if found is None:
            info = b"\0".join((b"checkpoint", use.encode(), name.encode()))
            kdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info)
            found = self._derived[key_id, use, name] = kdf.derive(self._masters[key_id])
        return found


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
