"""Which district a member of the staff may act in."""


def within(column: str, parameter: int) -> str:
    """SQL: the place's district is the actor's, or in the actor's city, or the actor has none.

    `parameter` is the number of a text parameter; a code that ends in 00 is a whole city.
    """
    own = f"${parameter}::text"
    return (
        f"({own} IS NULL OR {column} = {own} "
        f"OR (right({own}, 2) = '00' AND left({column}, 4) = left({own}, 4)))"
    )


def covers(district: str | None, code: str) -> bool:
    """The same, in the program."""
    if district is None or district == code:
        return True
    return district.endswith("00") and district[:4] == code[:4]
