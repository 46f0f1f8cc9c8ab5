"""Who may: every route says so, and the open ones are few and named here."""

from litestar import Litestar, get

from kernel.auth import public, unguarded

#: Open to anyone: what a driver, an applicant and the public need, and what machines watch.
OPEN = {
    "/",
    "/api/v1/complaints",
    "/api/v1/help-requests",
    "/api/docs",
    "/api/v1/cameras/{key:str}/hikvision",
    "/api/v1/movements",
    "/api/v1/movements/{movement_id:int}",
    "/api/v1/places",
    "/api/v1/places/applications",
    "/gate/app",
    "/gate/manifest.json",
    "/gate/sw.js",
    "/api/v1/gate/challenge",
    "/api/v1/gate/enrol",
    "/api/v1/gate/session",
    "/api/v1/gate/words",
    "/api/v1/holds/{hold_id:uuid}/appeal",
    "/api/v1/passes/keys",
    "/api/v1/rules",
    "/applications/{application_id:uuid}",
    "/applications/{application_id:uuid}/mend",
    "/api/v1/places/applications/{application_id:uuid}",
    "/apply",
    "/complaints",
    "/complaints/own",
    "/complaints/own/{step:str}",
    "/d/again",
    "/d/l/{link:str}",
    "/d/me",
    "/d/me/correct",
    "/d/me/download",
    "/d/me/withdraw",
    "/d/new",
    "/d/r/{draft_id:uuid}/code",
    "/d/r/{draft_id:uuid}/known",
    "/d/r/{draft_id:uuid}/{name:str}",
    "/d/{pass_ref:str}",
    "/d/{pass_ref:str}/reply",
    "/d/sw.js",
    "/d/{pass_ref:str}/appeal",
    "/d/{pass_ref:str}/cancel",
    "/d/{pass_ref:str}/edit",
    "/d/{pass_ref:str}/full",
    "/d/{pass_ref:str}/pass.pdf",
    "/d/{pass_ref:str}/pass.png",
    "/d/{pass_ref:str}/pass.svg",
    "/firm/sw.js",
    "/healthz",
    "/help",
    "/invite/{token:str}",
    "/login",
    "/logout",
    "/metrics",
    "/places",
    "/readyz",
    "/static/{file_path:path}",
    "/status",
    "/t/{code:str}",
    "/t/{code:str}/visit",
}
#: The description of the API is drawn by the framework, which has no guard for it.
DRAWN = ("/api/openapi.json", "/api", "/api/{path:str}")


async def test_every_route_has_a_guard(app: Litestar) -> None:
    assert [route for route in unguarded(app) if not route.endswith(DRAWN)] == []


def test_a_route_without_a_guard_is_found() -> None:
    @get("/forgotten")
    async def forgotten() -> None: ...

    planted = Litestar([forgotten], openapi_config=None)
    assert unguarded(planted) == ["GET|HEAD /forgotten"] or unguarded(planted) == ["GET /forgotten"]


async def test_only_the_named_routes_are_open(app: Litestar) -> None:
    found = {
        route.path
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        if public in handler.resolve_guards()
    }
    assert found - OPEN == set()
