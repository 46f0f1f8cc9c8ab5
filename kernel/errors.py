"""What may be refused. The class gives the kind; a stable code and the facts give the rest."""

from typing import ClassVar


class Refused(Exception):
    """Raised by any floor; turned into an answer at the edge, in the caller's language."""

    kind: ClassVar[str] = "refused"

    def __init__(self, code: str, /, **facts: object) -> None:
        # The code alone is the exception's text: facts may be personal and texts reach logs.
        super().__init__(code)
        self.code = code
        self.facts = facts


class Malformed(Refused):
    kind = "malformed"


class Unauthenticated(Refused):
    kind = "unauthenticated"


class Forbidden(Refused):
    kind = "forbidden"


class NotFound(Refused):
    kind = "not_found"


class Conflict(Refused):
    kind = "conflict"


class TooLarge(Refused):
    kind = "too_large"


class Unprocessable(Refused):
    kind = "unprocessable"


class TooMany(Refused):
    kind = "too_many"


class Unavailable(Refused):
    kind = "unavailable"
