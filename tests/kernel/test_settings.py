import base64
from pathlib import Path

import pytest

from kernel.settings import BadSettingError, read_settings

KEY = base64.b64encode(bytes(32)).decode()


def test_nothing_set_gives_a_program_that_runs_by_itself():
    settings = read_settings({})
    assert settings.database_url is None
    assert settings.data_dir == Path("var").absolute()
    assert (settings.host, settings.port, settings.city) == ("127.0.0.1", 8000, "4102")
    assert settings.public_url == "http://127.0.0.1:8000"
    assert not settings.secure_cookies


def test_everything_can_be_set():
    settings = read_settings(
        {
            "DATABASE_URL": "postgresql://u:p@db/x",
            "HOST": "0.0.0.0",  # noqa: S104 -- only read
            "PORT": "9000",
            "CHECKPOINT_DATA": "/srv/data",
            "CHECKPOINT_CITY": "4101",
            "CHECKPOINT_WORKERS": "4",
            "CHECKPOINT_SWEEP_SECONDS": "0.5",
            "CHECKPOINT_SECURE_COOKIES": "1",
            "CHECKPOINT_PUBLIC_URL": "https://example.org/",
            "CHECKPOINT_MASTER_KEY": KEY,
            "CHECKPOINT_POOL": "20",
        }
    )
    assert settings.database_url == "postgresql://u:p@db/x"
    assert (settings.port, settings.workers, settings.pool_size) == (9000, 4, 20)
    assert settings.data_dir == Path("/srv/data")
    assert settings.sweep_seconds == 0.5
    assert settings.secure_cookies
    assert settings.public_url == "https://example.org"
    assert settings.master_key == KEY


def test_the_public_address_follows_the_port():
    assert read_settings({"PORT": "8123"}).public_url == "http://127.0.0.1:8123"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "８０"),
        ("CHECKPOINT_CITY", "410"),
        ("CHECKPOINT_CITY", "0102"),
        ("CHECKPOINT_CITY", "开封"),
        ("CHECKPOINT_WORKERS", "-1"),
        ("CHECKPOINT_SWEEP_SECONDS", "0"),
        ("CHECKPOINT_SWEEP_SECONDS", "nan"),
        ("CHECKPOINT_SWEEP_SECONDS", "soon"),
        ("CHECKPOINT_SECURE_COOKIES", "perhaps"),
        ("CHECKPOINT_PUBLIC_URL", "example.org"),
        ("CHECKPOINT_MASTER_KEY", "AAAA"),
        ("CHECKPOINT_MASTER_KEY", "not base64!"),
        ("CHECKPOINT_POOL", "many"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(name: str, value: str):
    with pytest.raises(BadSettingError, match=name):
        read_settings({name: value})


def test_secrets_do_not_show_in_the_repr_or_the_error():
    settings = read_settings(
        {"DATABASE_URL": "postgresql://u:hush@db/x", "CHECKPOINT_MASTER_KEY": KEY}
    )
    assert "hush" not in repr(settings)
    assert KEY not in repr(settings)
    with pytest.raises(BadSettingError) as caught:
        read_settings({"CHECKPOINT_MASTER_KEY": KEY[:-8]})
    assert KEY[:-8] not in str(caught.value)
