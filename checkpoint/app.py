"""The composition root: settings, pool, clock and key go in, the application comes out."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig

import alerts.api
import alerts.pages
import checkpoint.api
import checkpoint.appeal_pages
import checkpoint.camera_pages
import checkpoint.cameras_api
import checkpoint.console_pages
import checkpoint.desk_pages
import checkpoint.docs_pages
import checkpoint.duty_lanes_pages
import checkpoint.gate_api
import checkpoint.health
import checkpoint.hold_pages
import checkpoint.holds_api
import checkpoint.pages
import checkpoint.paper_pages
import checkpoint.receive_pages
import closedloop.api
import closedloop.pages
import registry.api
import registry.pages
from alerts.marks import marks_of_firm
from checkpoint.callers import account_finder, token_finder, use_counter
from checkpoint.describing import Described
from checkpoint.intake import Intake
from checkpoint.office_work import can_wait
from checkpoint.sandbox import Scenarios, check_space
from checkpoint.schedule import schedule
from checkpoint.scopes import needed
from closedloop.group import GroupCommit
from closedloop.reporting import Office
from closedloop.visit_answers import Reception
from closedloop.visit_writer import VisitWriter
from kernel.admission import Admission, Pressure
from kernel.assets import Assets
from kernel.auth import Authenticate
from kernel.clock import Clock, SystemClock
from kernel.db import Pool, open_pool, provide_tx
from kernel.i18n import load_catalogues
from kernel.jobs import ticker
from kernel.keyring import unlock
from kernel.lately import Lately
from kernel.live import Hub
from kernel.metering import Metered
from kernel.privacy import Vault, load_master_key
from kernel.problems import exception_handlers
from kernel.settings import Settings
from kernel.store import PostgresStore
from kernel.web import Headers, Locale, csrf, session_config, template_config
from registry.marks import Marks
from registry.world import WorldCache

ROOT = Path(__file__).parent.parent
MIGRATIONS = ROOT / "migrations"
FLOORS = ("kernel", "registry", "closedloop", "alerts", "checkpoint")
HOUR = 3600
#: For so long the board shows the same picture, with its time.
BOARD_SECONDS = 15.0
#: Two batches of scans are written at once, and two tokens or passes looked up beside them.
LANES_CONNECTIONS = 4
MOST_BODY = 2 * 1024 * 1024


PAGES = (
    *registry.pages.HANDLERS,
    *closedloop.pages.HANDLERS,
    *checkpoint.pages.HANDLERS,
    *checkpoint.desk_pages.HANDLERS,
    *checkpoint.paper_pages.HANDLERS,
    *checkpoint.duty_lanes_pages.HANDLERS,
    *checkpoint.hold_pages.HANDLERS,
    *checkpoint.receive_pages.HANDLERS,
    *checkpoint.appeal_pages.HANDLERS,
    *checkpoint.console_pages.HANDLERS,
    *checkpoint.camera_pages.HANDLERS,
    *alerts.pages.HANDLERS,
    *checkpoint.docs_pages.HANDLERS,
    *checkpoint.health.HANDLERS,
)
API = (
    *registry.api.HANDLERS,
    *closedloop.api.HANDLERS,
    *checkpoint.api.HANDLERS,
    *checkpoint.gate_api.HANDLERS,
    *checkpoint.cameras_api.HANDLERS,
    *checkpoint.holds_api.HANDLERS,
    *alerts.api.HANDLERS,
)
DESCRIPTION = OpenAPIConfig(
    title="Checkpoint",
    version="1",
    path="/api",
    render_plugins=[Described(path="/openapi.json")],
    use_handler_docstrings=True,
)


def create_app(
    settings: Settings,
    *,
    dsn: str,
    clock: Clock | None = None,
    vault: Vault | None = None,
    pool: Pool | None = None,
    ticking: bool = True,
    sandbox: bool = False,
) -> Litestar:
    """`pool` replaces the application's own, which tests use to keep everything in one
    transaction; `ticking` is off where the sweep is called by hand; `sandbox` plays scenarios, on a
    database that says that it is the sandbox's.
    """
    load_catalogues([ROOT / floor / "locale" for floor in FLOORS])
    vault = vault or Vault(load_master_key(settings))
    assets = Assets([ROOT / floor / "static" for floor in FLOORS])
    state = _state(settings, dsn, clock or SystemClock(), vault, pool)
    secret = vault.mac("csrf", b"forms").hex()
    return Litestar(
        route_handlers=[*PAGES, Router("/api/v1", route_handlers=[*API]), assets.router()],
        lifespan=[_running(dsn, ticking=ticking, sandbox=sandbox)],
        dependencies={name: Provide(given) for name, given in DEPENDENCIES.items()},
        state=state,
        middleware=[
            Locale(),
            Scenarios(playing=sandbox),
            Admission(can_wait, state.pressure, settings.urgent_ms),
            session_config(
                # An hour longer than a log-in: it says whose a form was that came too late.
                secure=settings.secure_cookies,
                seconds=(settings.session_hours + 1) * HOUR,
            ).middleware,
            Authenticate(),
            Metered(needed),
            csrf(secret, secure=settings.secure_cookies),
        ],
        before_send=[Headers(assets, secure=settings.secure_cookies)],
        exception_handlers=exception_handlers(),
        template_config=template_config(
            [ROOT / floor / "templates" for floor in reversed(FLOORS)], assets
        ),
        stores={"sessions": PostgresStore(lambda: state.pool.acquire(timeout=2), state.clock)},
        openapi_config=DESCRIPTION,
        logging_config=None,
        request_max_body_size=MOST_BODY,
    )


def _state(settings: Settings, dsn: str, clock: Clock, vault: Vault, pool: Pool | None) -> State:
    return State(
        {
            "settings": settings,
            "clock": clock,
            "vault": vault,
            "hub": Hub(dsn),
            "office": Office(cache=WorldCache(), vault=vault, city=settings.city),
            "pool": pool,
            "lanes_pool": None,
            "pressure": Pressure(),
            "lately": Lately(BOARD_SECONDS),
            "marks": Marks(marks_of_firm),
        }
    )


def _running(dsn: str, *, ticking: bool, sandbox: bool):  # noqa: ANN202 - Litestar's own shape of a lifespan
    @asynccontextmanager
    async def running(app: Litestar) -> AsyncGenerator[None]:
        state = app.state
        async with AsyncExitStack() as stack:
            await _connect(state, dsn, stack)
            await check_space(state.pool, sandbox=sandbox)
            await check_key(state.pool, state.vault, state.clock.now())
            await stack.enter_async_context(_intake(state))
            if ticking:
                for name, seconds, job in schedule(state):
                    await stack.enter_async_context(ticker(name, seconds, job))
            yield

    return running


async def _connect(state: State, dsn: str, stack: AsyncExitStack) -> None:
    """Scans have connections of their own: no page, however many are asked for, takes them."""
    if state.pool is not None:
        return
    state.pool = await open_pool(dsn, size=state.settings.pool_size)
    stack.push_async_callback(state.pool.close)
    state.lanes_pool = await open_pool(dsn, size=LANES_CONNECTIONS)
    stack.push_async_callback(state.lanes_pool.close)
    await stack.enter_async_context(state.hub.running())
    await stack.enter_async_context(state.pressure.watched())


@asynccontextmanager
async def _intake(state: State) -> AsyncGenerator[None]:
    pool = state.pool if state.lanes_pool is None else state.lanes_pool
    group = GroupCommit(pool, state.office.cache, state.clock)
    state.intake = Intake(office=state.office, group=group, pool=pool, clock=state.clock)
    state.find_token = token_finder(state, pool)
    state.find_account = account_finder(state)
    state.count_use = use_counter(state)
    writer = VisitWriter(state.pool, state.office, state.clock, state.pressure)
    state.reception = Reception(
        office=state.office, writer=writer, pool=state.pool, clock=state.clock
    )
    async with group.running(), writer.running():
        yield


async def check_key(pool: Pool, vault: Vault, now: datetime) -> None:
    """Raises WrongKeyError, DamagedKeyError: then the service does not start."""
    async with pool.acquire() as conn:
        await unlock(conn, vault, now)


async def _clock(state: State) -> Clock:
    return state.clock


async def _vault(state: State) -> Vault:
    return state.vault


async def _office(state: State) -> Office:
    return state.office


async def _cache(state: State) -> WorldCache:
    return state.office.cache


async def _intake_of(state: State) -> Intake:
    return state.intake


async def _reception(state: State) -> Reception:
    return state.reception


async def _settings(state: State) -> Settings:
    return state.settings


async def _lately(state: State) -> Lately:
    return state.lately


async def _marks(state: State) -> Marks:
    return state.marks


async def _hub(state: State) -> Hub:
    return state.hub


DEPENDENCIES = {
    "tx": provide_tx,
    "clock": _clock,
    "vault": _vault,
    "office": _office,
    "cache": _cache,
    "intake": _intake_of,
    "reception": _reception,
    "settings": _settings,
    "hub": _hub,
    "lately": _lately,
    "marks": _marks,
}
