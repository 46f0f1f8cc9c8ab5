import base64
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Unavailable
from kernel.privacy import (
    KEY_BYTES,
    Vault,
    load_master_key,
    mask_id,
    mask_name,
    mask_phone,
)
from kernel.settings import Settings, read_settings

KEY = bytes(range(KEY_BYTES))
OTHER_KEY = bytes(reversed(range(KEY_BYTES)))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
FIELDS = st.sampled_from(["person.id", "person.name", "person.phone"])


def _settings(folder: Path, key: str = "") -> Settings:
    given_key = {"CHECKPOINT_MASTER_KEY": key} if key else {}
    return read_settings({"CHECKPOINT_DATA": str(folder), **given_key})


@given(TEXTS, FIELDS)
def test_what_is_sealed_opens_again_and_is_never_sealed_alike(plain: str, field: str) -> None:
    vault = Vault(KEY)
    first, second = vault.seal(plain, field=field), vault.seal(plain, field=field)
    assert vault.open(first, field=field) == plain
    assert first != second
    assert len(first) == 1 + 12 + len(plain.encode()) + 16


@given(st.text("0123456789X", min_size=8))
def test_sealed_bytes_do_not_hold_the_text(plain: str) -> None:
    assert plain.encode() not in Vault(KEY).seal(plain, field="person.id")


@given(TEXTS, FIELDS, FIELDS)
def test_a_value_moved_to_another_field_does_not_open(plain: str, field: str, other: str) -> None:
    vault = Vault(KEY)
    sealed = vault.seal(plain, field=field)
    if field == other:
        assert vault.open(sealed, field=other) == plain
        return
    with pytest.raises(Unavailable) as caught:
        vault.open(sealed, field=other)
    assert caught.value.code == "sealed_unreadable"


@given(st.data())
def test_no_byte_of_a_sealed_value_can_be_altered(data: st.DataObject) -> None:
    vault = Vault(KEY)
    sealed = bytearray(vault.seal("410221199001011234", field="person.id"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Unavailable) as caught:
        vault.open(bytes(sealed), field="person.id")
    assert caught.value.code == ("sealed_unreadable" if place else "sealed_key_unknown")


@pytest.mark.parametrize("length", [0, 1, 5, 13, 28])
def test_a_sealed_value_cut_short_is_refused_and_not_a_crash(length: int) -> None:
    vault = Vault(KEY)
    sealed = vault.seal("李小龙", field="person.name")[:length]
    with pytest.raises(Unavailable):
        vault.open(sealed, field="person.name")


def test_another_master_key_opens_nothing() -> None:
    sealed = Vault(KEY).seal("13812345678", field="person.phone")
    with pytest.raises(Unavailable) as caught:
        Vault(OTHER_KEY).open(sealed, field="person.phone")
    assert caught.value.code == "sealed_unreadable"
    assert "13812345678" not in str(caught.value.facts)


def test_after_a_rotation_old_values_open_and_new_ones_carry_the_new_key() -> None:
    before = Vault(KEY)
    after = Vault(OTHER_KEY, key_id=2, retired={1: KEY})
    old = before.seal("李小龙", field="person.name")
    new = after.seal("李小龙", field="person.name")
    assert after.open(old, field="person.name") == "李小龙"
    assert (old[0], new[0]) == (1, 2)
    with pytest.raises(Unavailable) as caught:
        before.open(new, field="person.name")
    assert caught.value.code == "sealed_key_unknown"
    assert after.blinds("a", field="f") == [
        after.blind("a", field="f"),
        before.blind("a", field="f"),
    ]
    assert after.macs("pass", b"a") == [after.mac("pass", b"a"), before.mac("pass", b"a")]


@given(TEXTS, TEXTS)
def test_blind_indexes_are_equal_for_equal_values_only(one: str, two: str) -> None:
    blind = Vault(KEY).blind(one, field="person.id")
    assert len(blind) == 32
    assert (blind == Vault(KEY).blind(two, field="person.id")) == (one == two)
    assert blind != Vault(KEY).blind(one, field="person.phone")
    assert blind != Vault(OTHER_KEY).blind(one, field="person.id")
    assert blind != Vault(KEY).mac("person.id", one.encode())


def test_fingerprints_tell_master_keys_apart() -> None:
    assert Vault(KEY).fingerprint() == Vault(KEY).fingerprint()
    assert Vault(KEY).fingerprint() != Vault(OTHER_KEY).fingerprint()


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_vault_refuses_a_key_of_the_wrong_size(size: int) -> None:
    with pytest.raises(Unavailable) as caught:
        Vault(b"k" * size)
    assert caught.value.code == "master_key_size"


def test_the_master_key_is_made_once_with_mode_600(tmp_path: Path) -> None:
    data = tmp_path / "data"
    key = load_master_key(_settings(data))
    file = data / "master.key"
    assert len(key) == KEY_BYTES
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_master_key(_settings(data)) == key
    assert [entry.name for entry in data.iterdir()] == ["master.key"]
    assert load_master_key(_settings(tmp_path, file.read_text().strip())) == key


def test_workers_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    keys: list[bytes] = []
    ready = threading.Barrier(8)

    def start() -> None:
        ready.wait()
        keys.append(load_master_key(_settings(tmp_path)))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "master_key_size"),
        (base64.b64encode(b"short"), "master_key_size"),
        (base64.b64encode(b"k" * 33), "master_key_size"),
        (b"this is not base64!", "master_key_malformed"),
        (b"\xff\xfe\x00", "master_key_malformed"),
    ],
)
def test_a_damaged_key_file_is_named_and_never_replaced(
    tmp_path: Path, content: bytes, code: str
) -> None:
    file = tmp_path / "master.key"
    file.write_bytes(content)
    with pytest.raises(Unavailable) as caught:
        load_master_key(_settings(tmp_path))
    assert caught.value.code == code
    assert caught.value.facts["where"] == str(file)
    assert file.read_bytes() == content


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "master.key").mkdir()
    with pytest.raises(Unavailable) as caught:
        load_master_key(_settings(tmp_path))
    assert caught.value.code == "master_key_unreadable"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_key_file_without_permission_is_named(tmp_path: Path) -> None:
    load_master_key(_settings(tmp_path))
    (tmp_path / "master.key").chmod(0)
    with pytest.raises(Unavailable) as caught:
        load_master_key(_settings(tmp_path))
    assert caught.value.code == "master_key_unreadable"


def test_masks_hide_what_they_must() -> None:
    assert mask_name("李小龙") == "李**"
    assert mask_name("李四") == "李*"
    assert mask_name("李") == "*"
    assert mask_name("") == ""
    assert mask_id("410221199001011234") == "410***********1234"
    assert mask_id("E12345678") == "E******78"
    assert mask_id("12345") == "*****"
    assert mask_phone("13812345678") == "138****5678"
    assert mask_phone("+8613812345678") == "138****5678"
    assert mask_phone("110") == "***"


@given(st.integers(0, 40))
def test_a_mask_keeps_the_length_and_shows_at_most_seven_characters(size: int) -> None:
    for mask in (mask_id, mask_phone):
        masked = mask("9" * size)
        assert len(masked) == size
        assert masked.count("9") <= min(7, size * 2 // 3)
    assert mask_name("李" * size).count("李") == (size > 1)
