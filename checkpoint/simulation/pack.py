"""The default scenario's own words, in which the simulation speaks: nothing here names them."""

from registry.rules import About, Check, Mode, read_scenario, shipped

PACK = read_scenario(shipped()[0])
_OF_PEOPLE = [kind for kind in PACK.evidence if kind.about is About.PERSON]
#: What everybody must bring, and the list that clears whoever is not on it.
RECORD = next(kind.kind for kind in _OF_PEOPLE if kind.mode is Mode.RECORD)
LIST = next(kind.kind for kind in _OF_PEOPLE if kind.mode is Mode.LIST)
GOOD = next(
    rule.values[0]
    for rule in PACK.rules
    if rule.check is Check.EVIDENCE_MISSING and rule.evidence == RECORD
)
#: Every question answered as most drivers answer it.
DECLARED = {question.code: False for question in PACK.questions}
TURN_BACK = PACK.turn_back_reasons[0].code
GOODS = PACK.goods[0].code
