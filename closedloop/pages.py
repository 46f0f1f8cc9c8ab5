"""All pages of this floor: those of drivers, and those of the staff who report and follow."""

from typing import Any

from closedloop.assist_pages import HANDLERS as ASSISTED
from closedloop.dispatch_pages import HANDLERS as DISPATCHED
from closedloop.driver_pages import HANDLERS as DRIVERS
from closedloop.firm_acts import HANDLERS as FIRMS
from closedloop.pass_pages import HANDLERS as PASSES
from closedloop.question_pages import HANDLERS as QUESTIONS
from closedloop.reveal_pages import HANDLERS as REVEALED
from closedloop.staff_pages import HANDLERS as STAFF
from closedloop.tracing_acts import HANDLERS as TRACE_ACTS
from closedloop.tracing_pages import HANDLERS as TRACES
from closedloop.tracing_people_pages import HANDLERS as TRACED
from closedloop.tracing_report_pages import HANDLERS as TRACE_REPORTS
from closedloop.tracing_team_pages import HANDLERS as TRACE_TEAMS
from closedloop.venue_pages import HANDLERS as VENUES
from closedloop.venue_sheet_pages import HANDLERS as VENUE_SHEETS
from closedloop.visitor_pages import HANDLERS as VISITORS

HANDLERS: list[Any] = [
    *DRIVERS,
    *QUESTIONS,
    *PASSES,
    *ASSISTED,
    *DISPATCHED,
    *REVEALED,
    *STAFF,
    *FIRMS,
    *TRACES,
    *TRACE_ACTS,
    *TRACED,
    *TRACE_REPORTS,
    *TRACE_TEAMS,
    *VISITORS,
    *VENUES,
    *VENUE_SHEETS,
]
