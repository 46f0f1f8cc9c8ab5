"""The scan hood: a box folded from one A4 sheet that holds a phone at one distance from a code and
keeps out glare, rain and shaking. The phone lies on the lid, its camera over the hole; the open
foot stands on the code, on paper or on another phone.
"""

from itertools import pairwise

from registry.drawing import BLACK, GREY, WHITE, Box, Drawing, Mark, Rule, Text, line

WIDTH, HEIGHT = 297, 210
#: From the camera to the code, in millimetres: near enough for a code of 4 cm, far enough for
#: cheap cameras to be sharp.
DISTANCE = 120
_LID, _FOOT = 66, 66 + DISTANCE
#: The upright folds: glue flap, back, left side, front, right side, and the edge.
_GLUE, _BACK, _LEFT, _FRONT, _RIGHT, _EDGE = 5, 17, 95, 153, 231, 289
_DEEP = _LEFT - _BACK - 20
_TUCK, _TAB = 30, 15
_FOLDING = (
    ("剪", "Cut the solid lines, and the hole", "沿实线剪下,剪出圆角方孔"),
    ("1-4", "Fold the broken lines backwards", "沿虚线向后折"),
    ("A", "Glue flap A inside the right side", "A 边粘到右侧板里面"),
    ("5-6", "Fold in flaps 5 and 6", "折入 5 和 6"),
    ("7", "Close lid 7 and glue it on 6 (B)", "盖上 7,粘在 6 上(B)"),
)
_USING = (
    ("手机平放盖上,镜头对准孔。", "Lay the phone on the lid, camera over the hole."),
    ("罩口压住通行证上的码。", "Set the open foot upon the code of the pass."),
    ("光线暗时打开手电筒。", "In the dark, turn the torch on."),
    ("淋湿或压弯后请换新的。", "Wet or bent? Print a new one."),
)


def hood_drawing() -> Drawing:
    marks = [*_cuts(), *_folds(), *_hole(), *_marks(), *_front(), *_back(), *_ruler()]
    return Drawing(width=WIDTH, height=HEIGHT, title="扫码罩 Scan hood", marks=tuple(marks))


def _cuts() -> list[Mark]:
    """The outline, once round: along the foot, up the right edge, flap after flap, back down."""
    deck = _LID - _DEEP
    corners = [
        (_GLUE, _FOOT - 4),
        (_BACK, _FOOT),
        (_EDGE, _FOOT),
        (_EDGE, _LID),
        (_EDGE - 3, _LID - _TUCK),
        (_RIGHT + 3, _LID - _TUCK),
        (_RIGHT, _LID),
        (_RIGHT, deck),
        (_FRONT, deck),
        (_FRONT, _LID),
        (_FRONT - 3, _LID - _TUCK),
        (_LEFT + 3, _LID - _TUCK),
        (_LEFT, _LID),
        (_LEFT - 3, _LID - _TAB),
        (_BACK + 3, _LID - _TAB),
        (_BACK, _LID),
        (_GLUE, _LID + 4),
        (_GLUE, _FOOT - 4),
    ]
    return [
        Rule(x=x, y=y, to_x=to_x, to_y=to_y, thick=0.5)
        for (x, y), (to_x, to_y) in pairwise(corners)
    ]


def _folds() -> list[Mark]:
    upright: list[Mark] = [
        Rule(x=x, y=_LID, to_x=x, to_y=_FOOT, dashed=True) for x in (_BACK, _LEFT, _FRONT, _RIGHT)
    ]
    return [*upright, Rule(x=_BACK, y=_LID, to_x=_EDGE, to_y=_LID, dashed=True)]


def _hole() -> list[Mark]:
    """Wide enough for three lenses and the lamp beside them."""
    middle = (_FRONT + _RIGHT) / 2
    wide, high, top = 42, 34, _LID - _DEEP + 12
    return [
        Box(x=middle - wide / 2, y=top, width=wide, height=high, line=BLACK, round=5),
        *line("剪掉 Cut out", x=middle, y=top + 15, size=4, width=wide),
        *line("镜头 Camera", x=middle, y=top + 22, size=4, width=wide, colour=GREY),
    ]


def _marks() -> list[Mark]:
    """Each fold's number on it, the letters where glue goes."""
    along = _LID + DISTANCE * 0.78
    places = (
        (_BACK, along, "1"),
        (_LEFT, along, "2"),
        (_FRONT, along, "3"),
        (_RIGHT, along, "4"),
        ((_LEFT + _FRONT) / 2, _LID, "5"),
        ((_RIGHT + _EDGE) / 2, _LID, "5"),
        ((_BACK + _LEFT) / 2, _LID, "6"),
        ((_FRONT + _RIGHT) / 2, _LID, "7"),
    )
    marks: list[Mark] = []
    for x, y, number in places:
        marks += [
            Box(x=x - 4, y=y - 4, width=8, height=8, fill=WHITE, line=BLACK, round=4),
            Text(x=x, y=y + 2, size=5.4, text=number),
        ]
    glue, middle = (_GLUE + _BACK) / 2, (_LID + _FOOT) / 2
    return [
        *marks,
        Text(x=glue + 1.5, y=middle, size=4.4, text="A 粘贴 Glue", turn=-90),
        Text(x=(_BACK + _LEFT) / 2, y=_LID - 7, size=4.4, text="B 粘贴 Glue"),
        *_sides(),
    ]


def _sides() -> list[Mark]:
    marks: list[Mark] = []
    for left, right, name in ((_LEFT, _FRONT, "左侧 Left"), (_RIGHT, _EDGE, "右侧 Right")):
        middle = (left + right) / 2
        marks += [
            Text(x=middle, y=_LID + 20, size=5, text=name, colour=GREY),
            Text(x=middle, y=_FOOT - 4, size=3.6, text="▼ 码在下面 Code below"),
        ]
    return marks


def _front() -> list[Mark]:
    left = _FRONT + 7
    marks: list[Mark] = [
        Text(x=left, y=_LID + 15, size=9, text="扫码罩", anchor="start"),
        Text(x=left + 30, y=_LID + 15, size=5, text="SCAN HOOD", anchor="start", colour=GREY),
    ]
    for at, (sign, english, chinese) in enumerate(_FOLDING):
        y = _LID + 27 + at * 12.6
        marks += [
            Text(x=left, y=y, size=4.4, text=sign, anchor="start"),
            *line(chinese, x=left + 10, y=y, size=4.2, width=56, anchor="start"),
            *line(english, x=left + 10, y=y + 5, size=3.1, width=56, anchor="start", colour=GREY),
        ]
    return [*marks, Text(x=(_FRONT + _RIGHT) / 2, y=_FOOT - 4, size=3.6, text="正面 Front")]


def _back() -> list[Mark]:
    left = _BACK + 7
    marks: list[Mark] = [
        Text(x=left, y=_LID + 15, size=7, text="使用 Use", anchor="start"),
    ]
    for at, (chinese, english) in enumerate(_USING):
        y = _LID + 27 + at * 14
        marks += [
            *line(f"{at + 1} {chinese}", x=left, y=y, size=4.4, width=70, anchor="start"),
            *line(english, x=left, y=y + 5.4, size=3.2, width=70, anchor="start", colour=GREY),
        ]
    return [*marks, Text(x=(_BACK + _LEFT) / 2, y=_FOOT - 4, size=3.6, text="背面 Back")]


def _ruler() -> list[Mark]:
    """Printers shrink: this line tells."""
    y = _FOOT + 11
    words = "这条线应长 50 毫米;请按 100% 打印,不要“适合页面”。"
    english = "This line is 50 mm long. Print at 100 %, do not “fit to page”. 160-200 g/m²."
    return [
        Rule(x=17, y=y, to_x=67, to_y=y, thick=0.6),
        Rule(x=17, y=y - 2, to_x=17, to_y=y + 2, thick=0.6),
        Rule(x=67, y=y - 2, to_x=67, to_y=y + 2, thick=0.6),
        Text(x=72, y=y - 0.5, size=4, text=words, anchor="start"),
        Text(x=72, y=y + 4.5, size=3.4, text=english, anchor="start", colour=GREY),
        Rule(x=232, y=y, to_x=244, to_y=y, thick=0.5),
        Text(x=246, y=y + 1.4, size=4, text="剪 Cut", anchor="start"),
        Rule(x=262, y=y, to_x=274, to_y=y, dashed=True),
        Text(x=276, y=y + 1.4, size=4, text="折 Fold", anchor="start"),
    ]
