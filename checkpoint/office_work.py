"""Which requests can wait while a truck stands at a lane (threat T28 of a tenfold peak).

Lanes, desks and drivers never wait for an office: not the scan, not the card, not the pass, not
the report. Duty officers' open pages keep what they show, with its age, and ask again.
"""

#: Prefixes of path templates, of lists, searches, ledgers, sheets and their renewal.
OFFICE = (
    "/admin/",
    "/api/docs",
    "/api/openapi.json",
    "/api/v1/alerts",
    "/api/v1/changes",
    "/api/v1/feed",
    "/api/v1/loops",
    "/api/v1/places/applications",
    "/api/v1/places/{place_id}/poster",
    "/api/v1/places/{place_id}/test-scans",
    "/applications/",
    "/audit",
    "/dispatch",
    "/duty",
    "/expected",
    "/firm",
    "/hotline/calls",
    "/infodesk",
    "/loops",
    "/reg/",
    "/rules",
    "/security/",
)
#: A stream is opened once and costs nothing after; an end of it would be asked for again.
STREAMS = frozenset({"/duty/events", "/infodesk/events", "/gate/reads/events"})


def can_wait(template: str) -> bool:
    """`template`: of the request's path, as the route was written."""
    return template not in STREAMS and template.startswith(OFFICE)
