"""Colours that can be told apart: from the page, and from each other with any of the three colour blindnesses."""

import re
from importlib import resources
from itertools import combinations

import numpy as np
import pytest

Vector = np.ndarray[tuple[int], np.dtype[np.float64]]

# Linear RGB as seen with a full deficiency: Machado, Oliveira, Fernandes, "A physiologically-based model for
# simulation of color vision deficiency", IEEE TVCG 15(6), 2009, table for severity 1.0.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
LEAST_DIFFERENCE = 15.0
"""CIE 1976 ΔE; about six times what is just noticeable side by side."""


def palette(scheme: str) -> dict[str, str]:
    text = resources.files("ecology.observe.pages").joinpath("style.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", text, flags=re.DOTALL)
    return dict(re.findall(r"--([a-z0-9]+): (#[0-9a-f]{6})", {"light": light, "dark": dark}[scheme]))


def linear(colour: str) -> Vector:
    channels = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio."""
    light, dark = sorted(
        (float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


def lab(rgb: Vector) -> Vector:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(
        rgb, 0, 1
    )
    t = xyz / [0.95047, 1, 1.08883]
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_and_marks_stand_out_from_the_page(scheme: str) -> None:
    colours = palette(scheme)
    for name in ("ink", "muted"):
        for ground in ("paper", "wash"):
            assert contrast(colours[name], colours[ground]) >= 4.5, f"{name} on {ground}"
    for name in ("c1", "c2", "c3", "c4", "c5", "c6", "other", "accent"):
        assert contrast(colours[name], colours["paper"]) >= 3, name


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("vision", VISION)
def test_categories_can_be_told_apart(scheme: str, vision: str) -> None:
    colours = palette(scheme)
    categories = [colours[name] for name in ("c1", "c2", "c3", "c4", "c5", "c6", "other")]
    for one, other in combinations(categories, 2):
        difference = np.linalg.norm(lab(VISION[vision] @ linear(one)) - lab(VISION[vision] @ linear(other)))
        assert difference >= LEAST_DIFFERENCE, f"{one} and {other}"
