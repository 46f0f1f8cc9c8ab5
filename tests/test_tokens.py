"""The colours are measured from the stylesheet itself, so that a repaint cannot go unnoticed."""

import math
import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

Vector = NDArray[np.float64]

BASE_CSS = Path(__file__).parents[1] / "kernel" / "static" / "base.css"
LARGEST_BYTES = 20 * 1024
LEAST_CONTRAST = 4.5
LEAST_UI_CONTRAST = 3.0
LEAST_DISTANCE = 15.0
CARDS = ("pass", "check", "turn", "hold")
# Text on its ground, as ux rules ask: every pair that carries words.
PAIRS = (
    ("ink", "paper"),
    ("ink", "bg"),
    ("muted", "paper"),
    ("muted", "bg"),
    ("pri", "paper"),
    ("pri", "bg"),
    ("pri-ink", "pri"),
    ("err", "paper"),
    ("err", "bg"),
    ("pass-ink", "pass"),
    ("check-ink", "check"),
    ("turn-ink", "turn"),
    ("hold-ink", "hold"),
    ("off-ink", "off"),
    ("dup-ink", "dup"),
    ("stale-ink", "stale-bg"),
    ("ok-ink", "ok-bg"),
    ("ok-ink", "paper"),
    ("stale-ink", "paper"),
    ("plate-ink", "plate"),
    ("plate-ne-ink", "plate-ne"),
    ("plate-tr-ink", "plate-tr"),
)
# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
BLINDNESS = {
    "normal": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
# sRGB to XYZ under D65 (IEC 61966-2-1).
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = np.array([0.95047, 1.0, 1.08883])


def tokens(theme: str) -> dict[str, str]:
    css = BASE_CSS.read_text(encoding="utf-8")
    day = declared(css, ":root{")
    return day if theme == "day" else day | declared(css, selectors()[theme])


def selectors() -> dict[str, str]:
    return {"night": "\n[data-theme=night]{", "auto": "{[data-theme=auto]{"}


def declared(css: str, selector: str) -> dict[str, str]:
    block = css.split(selector, 1)[1].split("}", 1)[0]
    return dict(re.findall(r"--([\w-]+):(#[0-9A-Fa-f]{6})", block))


def linear(colour: str) -> Vector:
    channels = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    lights = sorted(float(TO_XYZ[1] @ linear(colour)) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def seen(colour: str, eyes: str) -> Vector:
    """Give back CIELAB as those eyes see the colour."""
    rgb = np.clip(np.array(BLINDNESS[eyes]) @ linear(colour), 0, 1)
    ratio = (TO_XYZ @ rgb) / WHITE
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def delta_e(one: Vector, other: Vector) -> float:
    """CIEDE2000 after Sharma, Wu and Dalal 2005."""
    l1, a1, b1 = (float(value) for value in one)
    l2, a2, b2 = (float(value) for value in other)
    mean_c = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(mean_c**7 / (mean_c**7 + 25**7)))
    c1, c2 = math.hypot(a1 * (1 + g), b1), math.hypot(a2 * (1 + g), b2)
    h1 = math.degrees(math.atan2(b1, a1 * (1 + g))) % 360
    h2 = math.degrees(math.atan2(b2, a2 * (1 + g))) % 360
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    d_h = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2))
    mean_l, mean_cp = (l1 + l2) / 2, (c1 + c2) / 2
    mean_h = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    weight = (
        1
        - 0.17 * math.cos(math.radians(mean_h - 30))
        + 0.24 * math.cos(math.radians(2 * mean_h))
        + 0.32 * math.cos(math.radians(3 * mean_h + 6))
        - 0.20 * math.cos(math.radians(4 * mean_h - 63))
    )
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / math.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * mean_cp, 1 + 0.015 * mean_cp * weight
    cold = 60 * math.exp(-(((mean_h - 275) / 25) ** 2))
    twist = -math.sin(math.radians(cold)) * 2 * math.sqrt(mean_cp**7 / (mean_cp**7 + 25**7))
    lightness, chroma, hue = (l2 - l1) / s_l, (c2 - c1) / s_c, d_h / s_h
    return math.sqrt(lightness**2 + chroma**2 + hue**2 + twist * chroma * hue)


def test_the_distance_agrees_with_published_pairs() -> None:
    pairs = (
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    )
    for one, other, expected in pairs:
        assert delta_e(np.array(one), np.array(other)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("theme", ["day", "night"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_words_stand_out_from_their_ground(theme: str, text: str, ground: str) -> None:
    colours = tokens(theme)
    assert contrast(colours[text], colours[ground]) >= LEAST_CONTRAST


@pytest.mark.parametrize("theme", ["day", "night"])
def test_the_edges_of_inputs_can_be_seen(theme: str) -> None:
    colours = tokens(theme)
    assert contrast(colours["line"], colours["paper"]) >= LEAST_UI_CONTRAST


@pytest.mark.parametrize("theme", ["day", "night"])
@pytest.mark.parametrize("eyes", list(BLINDNESS))
def test_the_four_cards_differ_for_everyones_eyes(theme: str, eyes: str) -> None:
    colours = tokens(theme)
    for one, other in combinations(CARDS, 2):
        distance = delta_e(seen(colours[one], eyes), seen(colours[other], eyes))
        assert distance >= LEAST_DISTANCE, f"{one} and {other}: {distance:.1f}"


@pytest.mark.parametrize("theme", ["day", "night"])
def test_the_cards_keep_their_rank_in_grey(theme: str) -> None:
    colours = tokens(theme)
    lights = [
        float(TO_XYZ[1] @ linear(colours[name])) for name in ("turn", "check", "pass", "hold")
    ]
    assert lights == sorted(lights, reverse=True)


def test_the_automatic_night_is_the_same_night() -> None:
    assert tokens("auto") == tokens("night")


def test_the_held_card_keeps_its_frame_and_the_white_card_its_hatch() -> None:
    css = BASE_CSS.read_text(encoding="utf-8")
    assert re.search(r"\.card-red\{[^}]*outline:6px solid #fff", css)
    assert re.search(r"\.card-white\{[^}]*repeating-linear-gradient", css)


def test_the_stylesheet_is_small_and_asks_nobody_for_anything() -> None:
    css = BASE_CSS.read_text(encoding="utf-8")
    assert BASE_CSS.stat().st_size <= LARGEST_BYTES
    assert "@import" not in css
    assert "url(" not in css
    assert "@font-face" not in css


def test_a_decision_never_moves() -> None:
    css = BASE_CSS.read_text(encoding="utf-8")
    cards = "".join(re.findall(r"\.(?:card|verb)[\w-]*\{[^}]*\}", css))
    assert cards
    assert "animation" not in css
    assert "transition" not in cards
