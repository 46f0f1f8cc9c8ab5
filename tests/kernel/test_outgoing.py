"""Nothing but public addresses is reached, however they are written; the list is attacked and its
sabotaged twin is found.
"""

import asyncio
import socket
import threading
from collections.abc import Iterator
from ipaddress import ip_address

import httpx
import pytest

from kernel import outgoing
from kernel.errors import Unprocessable
from kernel.outgoing import NOTHING, allowed, is_public, post_pinned, target_of

HOSTS = (
    # loopback, as people and attackers write it
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001",
    "127.127.127.127", "0", "0.0.0.0", "localhost", "LOCALHOST", "localhost.", "[::1]", "[::]",  # noqa: S104
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[2001:0:0:0:0:0:80ff:fffe]",
    # private, shared, link-local, documentation, benchmarks, multicast, broadcast, reserved
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.255.255",
    "100.64.0.1", "100.127.255.254", "169.254.169.254", "169.254.0.1", "192.0.0.1", "192.0.2.1",
    "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250",
    "240.0.0.1", "255.255.255.255", "0x0a000001", "167772161", "012.0.0.1", "192.168.1",
    "[fe80::1]", "[fe80::a9fe:a9fe]", "[fc00::1]", "[fd00::1]", "[fd12:3456:789a::1]", "[ff02::1]",
    "[ff0e::1]", "[2001:db8::1]", "[::ffff:10.0.0.1]", "[::ffff:192.168.0.1]", "[::ffff:a9fe:a9fe]",
    "[64:ff9b::a00:1]", "[64:ff9b::c0a8:1]", "[2002:a00:1::]", "[2002:c0a8:1::]", "[100::1]",
    "metadata.google.internal", "kubernetes.default.svc", "ip6-localhost",
)  # fmt: skip
MALFORMED = (
    "", "ftp://example.com/", "file:///etc/passwd", "gopher://127.0.0.1/", "//example.com", "https://",
    "https://user:pw@example.com/", "https://127.0.0.1@example.com/", "http://example.com/",
    "https://example.com:99999/", "javascript:alert(1)", "https://example.com/#x",
)  # fmt: skip


class Ear:
    """Listens on loopback, on both protocols, and counts whoever comes."""

    def __init__(self) -> None:
        self.heard = 0
        self.socket = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self.socket.accept()
            except OSError:
                return
            self.heard += 1
            caller.close()


@pytest.fixture
def ear() -> Iterator[Ear]:
    made = Ear()
    yield made
    made.socket.close()


async def reach(host: str, port: int) -> None:
    """As a webhook would; whatever goes wrong on the way is no arrival."""
    try:
        target = await target_of(f"https://{host}:{port}/hook", NOTHING)
        await asyncio.wait_for(post_pinned(target, b"{}", {}), 1)
    except (Unprocessable, httpx.HTTPError, TimeoutError, OSError):
        return


async def test_none_of_the_list_is_reached(ear: Ear) -> None:
    assert len(HOSTS) >= 60
    for host in HOSTS:
        await reach(host, ear.port)
    await asyncio.sleep(0.05)
    assert ear.heard == 0
    print(f"outgoing: addresses={len(HOSTS)} reached=0")


async def test_without_the_look_at_the_address_some_are_reached(
    ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "is_public", lambda _: True)
    for host in HOSTS[:16]:
        await reach(host, ear.port)
    await asyncio.sleep(0.05)
    assert ear.heard > 5


@pytest.mark.parametrize("url", MALFORMED)
async def test_what_is_no_address_of_a_webhook_is_refused(url: str) -> None:
    with pytest.raises(Unprocessable, match="address_malformed"):
        await target_of(url, NOTHING)


async def test_a_name_that_answers_differently_the_second_time_is_asked_once(ear: Ear) -> None:
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    asked: list[str] = []

    async def rebinding(host: str, _: int) -> list[str]:
        asked.append(host)
        return next(answers)

    target = await target_of(f"https://rebind.example:{ear.port}/", NOTHING, rebinding)
    assert target.address == "93.184.216.34"
    assert asked == ["rebind.example"]


async def test_a_name_with_one_private_address_among_public_ones_is_refused() -> None:
    async def mixed(*_: object) -> list[str]:
        return ["93.184.216.34", "10.0.0.7"]

    with pytest.raises(Unprocessable, match="address_not_public"):
        await target_of("https://mixed.example/", NOTHING, mixed)


async def test_an_intranet_is_reached_where_it_is_allowed(ear: Ear) -> None:
    allow = allowed(["127.0.0.0/8", " hooks.city "])
    target = await target_of(f"http://127.0.0.1:{ear.port}/x", allow)
    with pytest.raises(httpx.HTTPError):
        await post_pinned(target, b"{}", {})
    assert ear.heard == 1
    for outside in ("http://10.0.0.1/", "http://93.184.216.34/", "https://10.0.0.1/"):
        with pytest.raises(Unprocessable, match="address_not_public"):
            await target_of(outside, allow)
    with pytest.raises(ValueError, match="256"):
        allowed(["256.0.0.0/8"])


@pytest.mark.parametrize(("address", "public"), [
    ("93.184.216.34", True), ("2606:2800:220:1::1", True), ("::ffff:93.184.216.34", True),
    ("10.0.0.1", False), ("::ffff:10.0.0.1", False), ("2002:a00:1::", False), ("ff02::1", False),
])  # fmt: skip
def test_what_is_public(address: str, *, public: bool) -> None:
    assert is_public(ip_address(address)) is public
