"""What the matrix of who may stands on: the one object, its callers' accounts, and what is sent."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import httpx
from litestar import Litestar

from alerts.overdue import sweep
from kernel.auth import Actor, token_hash
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.i18n import t, use_locale
from registry.accounts import issue_token
from registry.codes import CodeAct, Turn, act_on_codes
from registry.reports import view_key
from registry.sessions import begin
from registry.transport import Asked, issue
from tests.alerts.desk import pushed_to
from tests.alerts.enquiry import add_extension, alert_of
from tests.alerts.supervised import add_oversight
from tests.authz import AT_A_VENUE, COLUMNS, Caller, Route, admits, callers
from tests.authz_bodies import BODIES
from tests.checkpoint.moves import about_hold, held, released, verifying
from tests.city import IDS, City, add_body, add_dead_letter, add_notice
from tests.closedloop.tracing_scene import add_trace
from tests.closedloop.venues import a_visit, add_venue
from tests.http import opened
from tests.offices import an_account, of_offices

#: Never ends, so its guards are asked instead.
ENDLESS = frozenset({"GET /duty/events", "GET /infodesk/events", "GET /gate/reads/events"})
PARAMETER = re.compile(r"\{(\w+):\w+\}")
#: Refusals that a page or a batch tells in its own words, with a status of success or of a form.
NOT_YOURS = (
    "not_your_truck",
    "not_your_place",
    "not_your_role",
    "no_place_of_yours",
    "unknown_movement",
    "unknown_hold",
    "unknown_alert",
    "unknown_trace",
    "not_a_venue",
    "unknown_visit",
    "no_code_for_visit",
    "unknown_ticket",
)


class Ground:
    """One object, and a token for each caller that `find_token` of the application knows."""

    def __init__(self, app: Litestar, conn: Connection, city: City, clock: SetClock) -> None:
        self.app, self.conn, self.city, self.clock = app, conn, city, clock
        self.places: dict[str, int] = {}
        self.venues: dict[str, int] = {}
        self.known: dict[str, str] = {}
        self.desk_case = 0
        self.form_token: dict[str, str] = {}
        self.actors: dict[bytes, Actor] = {}

        async def find(digest: bytes) -> Actor | None:
            return self.actors.get(digest)

        app.state.find_token = find

    async def build(self) -> None:
        conn, city, now = self.conn, self.city, self.clock.now()
        await sweep(conn, now)
        async with opened(self.app) as visitor:
            await visitor.get("/login")
            token = visitor.cookies["csrftoken"]
            self.form_token = {"cookie": f"csrftoken={token}", "x-csrftoken": token}
        await conn.execute("INSERT INTO registry.district VALUES ('410222', '通许县')")
        self.places = {
            "lane": city.north,
            "firm": city.mill,
            "other-lane": city.south,
            "other-firm": city.depot,
            "far-lane": await self._far("checkpoint", now),
            "far-firm": await self._far("destination", now),
            "body": await add_body(conn, now),
            "other-body": await add_body(conn, now),
            "far-body": await add_body(conn, now, district="410222"),
        }
        venue = await add_venue(conn)
        other = await add_venue(conn, "别的商场", codes=("VENVE00003", "VENVE00004"))
        self.venues = {
            "firm": venue.id,
            "other-firm": other.id,
            "far-firm": await self._far("venue", now),
        }
        movement_id = await released(conn, city)
        self.desk_case = await verifying(conn, city, plate="豫B54321", id_number=IDS[1])
        self.known = {
            "movement_id": str(movement_id),
            "place_id": str(city.mill),
            "pass_ref": f"{movement_id}-{view_key(movement_id, city.office.vault)}",
            "code": await self._code(now),
            "kind": "test",
            "ordinal": "0",
            "file_path": "base.css",
            "notice_id": str(await add_notice(conn, city.north, now)),
            "outcome": "wait",
            "hold_id": str(await self._hold(now)),
            "transport_no": await self._transport_pass(now),
            "alert_id": alert_of(movement_id),
            "extension_id": str(await add_extension(conn, city, now)),
            "what": "claim",
            "step": "note",
            "ticket_id": str(await pushed_to(conn, city, f"place:{city.mill}", now)),
            "channel_id": str(await add_dead_letter(conn, city.office.vault, now)),
            "message_id": str(await conn.fetchval("SELECT message_id FROM kernel.delivery")),
            "decision": "approve",
            **await add_trace(conn, city, movement_id, now, district="410221"),
            "visit_id": str(await a_visit(conn, city, venue, now)),
            **await add_oversight(conn, now),
        } | await of_offices(self.conn, self.city, now)

    async def _hold(self, now: datetime) -> UUID:
        """Approved, and the own body asked to take over."""
        conn, city = self.conn, self.city
        desk, duty = (
            Actor(id=uuid4(), kind="account", name=role, roles=frozenset({role}))
            for role in ("desk", "duty")
        )
        about = {"plate": "豫B99999", "id_number": IDS[2]}
        movement_id, hold_id = await held(conn, city, desk, now - timedelta(minutes=20), **about)
        said = {"hold_id": hold_id, "place_id": self.places["body"]}
        for minutes, kind in ((10, "approve_hold"), (5, "transfer_hold")):
            at = now - timedelta(minutes=minutes)
            await about_hold(conn, city, movement_id, kind, duty, at, **said)
        return hold_id

    async def _transport_pass(self, now: datetime) -> str:
        registrar = Actor(id=uuid4(), kind="account", name="x", roles=frozenset({"registrar"}))
        rules = (await self.city.office.cache.now(self.conn)).rules_at(now)
        asked = Asked(id=uuid4(), region="410221", plate="豫B77777", goods="daily")
        return (await issue(self.conn, rules, asked, registrar, now)).number

    async def _code(self, now: datetime) -> str:
        said = CodeAct(act=Turn.ROTATE, reason="x", gate="1")
        somebody = Actor(id=uuid4(), kind="account", name="x", roles=frozenset({"registrar"}))
        acted = await act_on_codes(self.conn, self.city.mill, said, somebody, now)
        return acted.code or ""

    async def _far(self, kind: str, now: datetime) -> int:
        return await self.conn.fetchval(
            """
            INSERT INTO registry.place
                   (kind, category, name, district_code, screen_secret, created_at)
            VALUES ($1, 'test', $1 || '远', '410222', $2, $3) RETURNING id
            """,
            kind,
            b"s" * 20,
            now,
        )

    @asynccontextmanager
    async def rolled_back(self) -> AsyncIterator[None]:
        undo = self.conn.transaction()
        await undo.start()
        try:
            yield
        finally:
            await undo.rollback()

    async def judge(self, route: Route, caller: Caller) -> bool:
        """Whether a real request is let in; everything that it did is undone."""
        wanted = PARAMETER.findall(route.path)
        known = self.known | {"session_id": ""}
        if route.name in ENDLESS or not set(wanted) <= known.keys():
            return await admits(route, caller.actor)
        async with self.rolled_back():
            answer = await self._send(route, caller)
        assert answer.status_code < 500, f"{route.name} for {caller}: {answer.status_code}"
        return not is_out(answer)

    async def _send(self, route: Route, caller: Caller) -> httpx.Response:
        headers, session_id = await self._credentials(caller)
        known = self.known | {"session_id": str(session_id)}
        if route.path.startswith("/desk/"):
            known |= {"movement_id": str(self.desk_case)}
        if route.path.startswith("/infodesk/"):
            known |= {"what": "act"}
        path = PARAMETER.sub(lambda found: known[found[1]], route.path)
        body = {name: fill(known, self) for name, fill in BODIES.items()}.get(route.name, {})
        async with opened(self.app, accept="text/html", **headers) as client:
            return await client.request(route.method, path, **body)

    async def _credentials(self, caller: Caller) -> tuple[dict[str, str], UUID]:
        """An account of the caller's own with a log-in of its own, so that /me has somebody."""
        actor = caller.actor
        if actor is None or actor.kind == "device":
            session_id = await self._log_in(await an_account(self.conn, "x", self.clock.now()))
        else:
            await self.conn.execute(
                """
                INSERT INTO registry.account (id, login, password_hash, name, roles, created_at)
                VALUES ($1, $2, '', $2, $3, $4)
                """,
                actor.id,
                actor.id.hex,
                sorted(actor.roles),
                self.clock.now(),
            )
            session_id = await self._log_in(actor.id, actor.login_id)
        if actor is None:
            return self.form_token, session_id
        if actor.kind == "device":
            await self._enrol(actor)
        token = uuid4().hex
        self.actors = {token_hash(token): actor}
        return {"Authorization": f"Bearer {token}"}, session_id

    async def _enrol(self, actor: Actor) -> None:
        """The lane believes only devices whose token it knows."""
        now = self.clock.now()
        await self.conn.execute(
            """
            INSERT INTO registry.device (id, name, place_id, role, created_at)
            VALUES ($1, 'x', $2, $3, $4)
            """,
            actor.id,
            actor.place_id,
            next(iter(actor.roles)),
            now,
        )
        await issue_token(self.conn, device_id=actor.id, label="x", now=now)

    async def _log_in(self, account_id: UUID, login_id: UUID | None = None) -> UUID:
        made = await begin(self.conn, account_id, user_agent="", factor=False, now=self.clock.now())
        if login_id is None:
            return made
        await self.conn.execute(
            "UPDATE registry.login_session SET id = $2 WHERE id = $1", made, login_id
        )
        return login_id

    async def row(self, route: Route, *, whole: bool) -> dict[str, str]:
        """The row as it is."""
        at_venue = route.path.startswith(AT_A_VENUE)
        places = self.places | (self.venues if at_venue else {})
        cells: dict[str, str] = {}
        for column in COLUMNS:
            signs = {
                caller.variant: "+" if await self.judge(route, caller) else "-"
                for caller in callers(places, column, whole=whole)
            }
            short = not whole or column in {"nobody", "halfway"}
            names = ("own",) if short else ("own", "place", "district", "none")
            cells[column] = "".join(signs.get(name, ".") for name in names)
        return cells


def is_out(answer: httpx.Response) -> bool:
    if answer.status_code in {401, 403, 404}:
        return True
    if answer.status_code == 303:
        return answer.headers["location"].startswith("/login")
    return any(said in answer.text for said in _SENTENCES) or any(
        f'"code":"{code}"' in answer.text for code in NOT_YOURS
    )


def _sentences() -> list[str]:
    with use_locale("zh"):
        return [t(f"error.{code}").split("。")[0] for code in NOT_YOURS]


class _Lazily:
    """The catalogues are loaded with the application, after this file was read."""

    def __iter__(self):
        return iter(_sentences())


_SENTENCES = _Lazily()
