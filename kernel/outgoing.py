"""Requests to addresses that somebody typed: to public hosts only, at the address that was looked
at, and never where a redirect leads.

A name is looked up once; every address that it has must be public, and the connection goes to one
of those, so that a second answer of the name server changes nothing. Hosts and networks of an
intranet are let through by an explicit list.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import httpx
from msgspec import Struct

from kernel.errors import Unprocessable

SEND_SECONDS = 5.0
Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]
#: IPv4 written inside IPv6 by a translator (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")


class Allowed(Struct, frozen=True, kw_only=True):
    """What may be reached although it is not public: host names, and networks."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[str, ...] = ()

    def host(self, name: str) -> bool:
        return name.lower() in self.hosts

    def address(self, address: Address) -> bool:
        return any(address in ip_network(network) for network in self.networks)


NOTHING = Allowed()


class Target(Struct, frozen=True, kw_only=True):
    """Where the connection goes, and what is asked for there."""

    url: httpx.URL
    address: str


def allowed(said: Iterable[str]) -> Allowed:
    """Host names and networks as a setting lists them. Raises ValueError for an odd network."""
    hosts: set[str] = set()
    networks: list[str] = []
    for each in (part.strip() for part in said):
        if not each:
            continue
        try:
            networks.append(str(ip_network(each, strict=False)))
        except ValueError:
            if "/" in each:
                raise
            hosts.add(each.lower())
    return Allowed(hosts=frozenset(hosts), networks=tuple(networks))


def is_public(address: Address) -> bool:
    """Whether anybody in the world may reach it, whatever it is wrapped in."""
    inner = _unwrapped(address)
    return inner.is_global and not inner.is_multicast and not inner.is_reserved


def _unwrapped(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


async def look_up(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


async def target_of(text: str, allow: Allowed, resolve: Resolve = look_up) -> Target:
    """Raises Unprocessable `address_malformed`, `address_not_public`, `address_unknown`."""
    url = checked_url(text, allow)
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        found = await resolve(url.host, port)
    except OSError as error:
        raise Unprocessable("address_unknown") from error
    addresses = [ip_address(each.partition("%")[0]) for each in found]
    fit = allow.host(url.host) or all(is_public(each) or allow.address(each) for each in addresses)
    plain = url.scheme == "http" and not (
        allow.host(url.host) or all(allow.address(each) for each in addresses)
    )
    if not addresses or not fit or plain:
        raise Unprocessable("address_not_public")
    return Target(url=url, address=str(addresses[0]))


def checked_url(text: str, allow: Allowed) -> httpx.URL:
    """https, or http where the host may be let through; no log-in in it, no odd port."""
    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, ValueError) as error:
        raise Unprocessable("address_malformed") from error
    schemes = {"https", "http"} if allow != NOTHING else {"https"}
    odd = url.userinfo or url.fragment or not 0 < (url.port or 443) < 2**16
    if url.scheme not in schemes or not url.host or odd:
        raise Unprocessable("address_malformed")
    return url


async def post_pinned(target: Target, body: bytes, headers: dict[str, str]) -> int:
    """The status. The certificate is that of the name, the connection that of the address."""
    url = target.url.copy_with(host=target.address)
    async with httpx.AsyncClient(
        timeout=SEND_SECONDS, follow_redirects=False, trust_env=False
    ) as client:
        request = client.build_request(
            "POST",
            url,
            content=body,
            headers=headers | {"host": target.url.netloc.decode()},
            extensions={"sni_hostname": target.url.host},
        )
        answer = await client.send(request)
    return answer.status_code
