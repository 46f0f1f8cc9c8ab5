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
    *VISITORS,
    *VENUES,
    *VENUE_SHEETS,
]
