"""What every worker keeps in memory: places, road times, rule sets, tokens, keys of passes,
freshness of sources.

One epoch number grows with each change (a trigger sees to it). The lane reads the number
together with the movement; where it differs, the memory is loaded again before the verdict.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import NotFound, Unavailable
from registry.areas import read_areas
from registry.learned import Learned, learned_limits
from registry.model import Area, Place
from registry.offline_pass import NO_KEYS, PublicKeys
from registry.rules import RuleSet
from registry.signing_keys import SigningKey, all_keys, live, public_keys

#: A withdrawn token opens no page for longer than this; at the lane, where each verdict compares
#: the epoch, it opens nothing at once.
FRESH_SECONDS = 1.0


class World(Struct, frozen=True, kw_only=True):
    epoch: int
    places: Mapping[int, Place]
    roads: Mapping[tuple[int, int], int]
    codes: Mapping[str, tuple[int, str]]
    tokens: Mapping[bytes, Actor]
    #: When a console's session ends; other tokens have no hour.
    ends: Mapping[bytes, datetime]
    #: Whoever still holds a token that opens a door.
    holders: frozenset[UUID]
    sources: Mapping[str, datetime]
    #: Newest first: the hour from which a rule set rules, and the rule set.
    rule_sets: tuple[tuple[datetime, RuleSet], ...]
    #: Those that are alive, the newest first; and what an offline pass is checked with.
    signing_keys: tuple[SigningKey, ...] = ()
    pass_keys: PublicKeys = NO_KEYS
    areas: tuple[Area, ...] = ()
    #: Arrival limits by checkpoint and firm, where enough loops were completed.
    learned: Mapping[tuple[int, int], Learned] = {}

    def rules_at(self, at: datetime) -> RuleSet:
        """The rule set in force at a time; the oldest one for times before all of them."""
        if not self.rule_sets:
            raise Unavailable("no_rules")
        in_force = (rules for since, rules in self.rule_sets if since <= at)
        return next(in_force, self.rule_sets[-1][1])

    def actor(self, hashed: bytes, now: datetime) -> Actor | None:
        """Whoever holds a token that still opens."""
        ends = self.ends.get(hashed)
        return self.tokens.get(hashed) if ends is None or now < ends else None

    def rules_of(self, version: int, at: datetime) -> RuleSet:
        """The rule set by which something was judged, in whose words it is told; the one in force
        at a time where that one never ruled.
        """
        known = (rules for _, rules in self.rule_sets if rules.version == version)
        return next(known, None) or self.rules_at(at)

    def place(self, place_id: int) -> Place:
        if (place := self.places.get(place_id)) is None:
            raise NotFound("unknown_place", place_id=place_id)
        return place

    def road_minutes(self, origin: int | None, destination: int, rules: RuleSet) -> int:
        if origin is None:
            return rules.limits.road_minutes
        return self.roads.get((origin, destination), rules.limits.road_minutes)

    def learned_limit(self, origin: int | None, place_id: int, rules: RuleSet) -> Learned | None:
        """None while the fixed rule holds: too few loops, or none to learn from."""
        if origin is None or not rules.limits.learn_samples:
            return None
        return self.learned.get((origin, place_id))


class WorldCache:
    """Holds the newest world; many requests that find it old load it once."""

    def __init__(self) -> None:
        self._world: World | None = None
        self._checked = -FRESH_SECONDS
        self._loading = asyncio.Lock()

    @property
    def held(self) -> World | None:
        return self._world

    @property
    def fresh(self) -> bool:
        """Whether the epoch was compared a moment ago."""
        return time.monotonic() - self._checked < FRESH_SECONDS

    async def at(self, conn: Connection, epoch: int) -> World:
        self._checked = time.monotonic()
        if self._world is not None and self._world.epoch == epoch:
            return self._world
        async with self._loading:
            if self._world is not None and self._world.epoch == epoch:
                return self._world
            world = await load_world(conn)
            if not await _has_written(conn):
                self._world = world
        return world

    async def now(self, conn: Connection) -> World:
        return await self.at(conn, await read_epoch(conn))


async def read_epoch(conn: Connection) -> int:
    return await conn.fetchval("SELECT number FROM registry.epoch")


async def _has_written(conn: Connection) -> bool:
    """A transaction that has written sees what may yet be undone: that is not kept for others."""
    return await conn.fetchval("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")


async def load_world(conn: Connection) -> World:
    """The epoch is read first: a change that comes in between is loaded once more, never missed."""
    epoch = await read_epoch(conn)
    tokens, ends = await _tokens(conn)
    signing_keys = await all_keys(conn)
    return World(
        epoch=epoch,
        places=await _places(conn),
        roads=await _roads(conn),
        codes=await _codes(conn),
        tokens=tokens,
        ends=ends,
        holders=frozenset(actor.id for actor in tokens.values()),
        sources=await _sources(conn),
        rule_sets=await _rule_sets(conn),
        signing_keys=live(signing_keys),
        pass_keys=public_keys(signing_keys),
        areas=await read_areas(conn),
        learned=await learned_limits(conn),
    )


async def _places(conn: Connection) -> dict[int, Place]:
    rows = await conn.fetch(
        """
        SELECT p.id, p.kind, p.category, p.name, p.district_code, p.road, p.status,
               p.screen_secret,
               coalesce(jsonb_agg(jsonb_build_object(
                   'gate', g.gate, 'direction', g.direction, 'serves', g.serves,
                   'dedicated', g.dedicated) ORDER BY g.gate) FILTER (WHERE g.gate IS NOT NULL),
                   '[]') AS lanes
          FROM registry.place p LEFT JOIN registry.gate g ON g.place_id = p.id
         GROUP BY p.id
        """
    )
    return {row["id"]: _place(dict(row)) for row in rows}


def _place(row: dict[str, Any]) -> Place:
    gates = [lane["gate"] for lane in row["lanes"]]
    return msgspec.convert(row | {"gates": gates}, Place)


async def _roads(conn: Connection) -> dict[tuple[int, int], int]:
    rows = await conn.fetch("SELECT from_place, to_place, minutes FROM registry.road_time")
    return {(row["from_place"], row["to_place"]): row["minutes"] for row in rows}


async def _codes(conn: Connection) -> dict[str, tuple[int, str]]:
    rows = await conn.fetch(
        "SELECT code, place_id, gate FROM registry.code WHERE status = 'active'"
    )
    return {row["code"]: (row["place_id"], row["gate"]) for row in rows}


async def _sources(conn: Connection) -> dict[str, datetime]:
    rows = await conn.fetch(
        "SELECT kind, min(as_of) AS as_of FROM registry.evidence_source GROUP BY kind"
    )
    return {row["kind"]: row["as_of"] for row in rows}


async def _rule_sets(conn: Connection) -> tuple[tuple[datetime, RuleSet], ...]:
    rows = await conn.fetch(
        """
        SELECT version, in_force_from, body::text AS body FROM registry.rule_set
         WHERE in_force_from IS NOT NULL ORDER BY in_force_from DESC, version DESC
        """
    )
    read = ((row, msgspec.json.decode(row["body"], type=RuleSet)) for row in rows)
    return tuple(
        (row["in_force_from"], msgspec.structs.replace(rules, version=row["version"]))
        for row, rules in read
    )


async def _tokens(conn: Connection) -> tuple[dict[bytes, Actor], dict[bytes, datetime]]:
    """Tokens that still open a door: neither they nor their device or account are withdrawn."""
    rows = await conn.fetch(
        """
        SELECT t.token_hash, least(t.expires_at, k.expires_at) AS expires_at,
               d.id AS device_id, d.role AS device_role,
               coalesce(d.place_id, a.place_id) AS place_id, coalesce(d.name, a.name) AS name,
               a.id AS account_id, a.roles, a.district_code,
               k.id AS key_id, k.scopes, k.per_minute, k.per_day
          FROM registry.token t
          LEFT JOIN registry.api_key k ON k.id = t.key_id
          LEFT JOIN registry.device d ON d.id = t.device_id
          LEFT JOIN registry.account a ON a.id = t.account_id
         WHERE t.revoked_at IS NULL AND d.revoked_at IS NULL AND a.disabled_at IS NULL
           AND k.revoked_at IS NULL
        """
    )
    ends = {row["token_hash"]: row["expires_at"] for row in rows if row["expires_at"]}
    return {row["token_hash"]: _actor(dict(row)) for row in rows}, ends


def _actor(row: dict[str, object]) -> Actor:
    device: UUID | None = row["device_id"]  # pyright: ignore[reportAssignmentType]
    roles = [row["device_role"]] if device else row["roles"]
    return msgspec.convert(
        {
            "id": device or row["account_id"],
            "kind": "device" if device else "account",
            "name": row["name"],
            "roles": roles,
            "place_id": row["place_id"],
            "district": row["district_code"],
            "device_id": device,
            "key": _key(row),
        },
        Actor,
    )


def _key(row: dict[str, object]) -> dict[str, object] | None:
    if row["key_id"] is None:
        return None
    return {"id": row["key_id"]} | {name: row[name] for name in ("scopes", "per_minute", "per_day")}
