"""Figures that belong to the page: SVG drawn by matplotlib, coloured by the page's style sheet.

A plot is drawn in stand-in colours that mean "ink", "grid" or "third colour"; on the way into the page each
becomes a CSS variable, so one drawing serves light, dark and print. Text stays text: it can be searched,
selected and read aloud.
"""

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#010101"
MUTED = "#020202"
GRID = "#030303"
PAPER = "#040404"
PALETTE = ("#0a0101", "#0a0202", "#0a0303", "#0a0404", "#0a0505", "#0a0606")
OTHER = "#0b0101"
DASHES = ("-", "--", ":", "-.")

_VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    PAPER: "var(--paper)",
    OTHER: "var(--other)",
    **{colour: f"var(--c{place})" for place, colour in enumerate(PALETTE, start=1)},
}
_STAND_IN = re.compile("|".join(_VARIABLES))
_FONT = re.compile(r"font: ((?:[a-z0-9]+ )*)([0-9.]+px) [^;]*")
_SVG = "http://www.w3.org/2000/svg"
_XLINK = "{http://www.w3.org/1999/xlink}href"


@contextmanager
def _page_style() -> Iterator[None]:
    with mpl.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "agent-ecology",
            "text.parse_math": False,
            "font.family": "sans-serif",
            "font.sans-serif": ["DejaVu Sans"],
            "font.size": 9,
            "axes.titlesize": 10,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.titlepad": 10,
            "axes.labelsize": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.spines.left": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.edgecolor": MUTED,
            "axes.labelcolor": MUTED,
            "axes.titlecolor": INK,
            "axes.facecolor": "none",
            "figure.facecolor": "none",
            "grid.color": GRID,
            "grid.linewidth": 0.8,
            "text.color": INK,
            "xtick.color": MUTED,
            "ytick.color": MUTED,
            "xtick.major.size": 3,
            "ytick.major.size": 0,
            "legend.frameon": False,
            "legend.fontsize": 8.5,
            "lines.linewidth": 1.8,
            "lines.solid_capstyle": "round",
            "hatch.linewidth": 0.9,
        }
    ):
        yield


@contextmanager
def drawing(width: float, height: float) -> Iterator[Figure]:
    """A figure of that size (inches; the page scales it to its column) in the page's style."""
    with _page_style():
        yield Figure(figsize=(width, height), layout="constrained")


def colour(place: int) -> str:
    """The stand-in colour of the `place`-th category (from 0); they repeat, with other dashes, after six."""
    return PALETTE[place % len(PALETTE)]


def dash(place: int) -> str:
    """The line style of the `place`-th category."""
    return DASHES[place // len(PALETTE) % len(DASHES)]


def only_horizontal_grid(axes: Axes) -> None:
    """Guide the eye along values, not along time."""
    axes.grid(visible=False, axis="x")


def only_vertical_grid(axes: Axes) -> None:
    """For horizontal bars: values run to the right."""
    axes.grid(visible=False, axis="y")
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", length=0)


def inline_svg(figure: Figure, name: str, title: str, description: str) -> str:
    """The figure as an `<svg>` element to be put into HTML as it is, with `title` and `description` for those
    who cannot see it. Ids are prefixed with `name`, which must be unique on the page; equal figures give
    equal text.
    """
    buffer = io.BytesIO()
    with _page_style():
        figure.savefig(
            buffer, format="svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None}
        )
    ET.register_namespace("", _SVG)
    root = ET.fromstring(buffer.getvalue())
    _drop(root, {f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"})
    for element in root.iter():
        _rewrite(element, name)
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-desc")
    for tag, text in (("desc", description), ("title", title)):
        label = ET.Element(f"{{{_SVG}}}{tag}", {"id": f"{name}-{tag}"})
        label.text = text
        root.insert(0, label)
    return ET.tostring(root, encoding="unicode")


def _drop(parent: ET.Element, tags: set[str]) -> None:
    for child in list(parent):
        if child.tag in tags:
            parent.remove(child)
        else:
            _drop(child, tags)


def _rewrite(element: ET.Element, name: str) -> None:
    attributes = element.attrib
    if "id" in attributes:
        attributes["id"] = f"{name}-{attributes['id']}"
    if _XLINK in attributes:
        attributes["href"] = f"#{name}-{attributes.pop(_XLINK).removeprefix('#')}"
    if "clip-path" in attributes:
        attributes["clip-path"] = attributes["clip-path"].replace("url(#", f"url(#{name}-")
    if "style" in attributes:
        style = attributes["style"].replace("url(#", f"url(#{name}-")
        style = (
            _FONT.sub(r"font-size: \2", style)
            if "bold" not in style
            else _FONT.sub(r"font-size: \2; font-weight: 600", style)
        )
        attributes["style"] = _STAND_IN.sub(lambda found: _VARIABLES[found.group()], style)
    for paint in ("fill", "stroke"):
        if paint in attributes:
            attributes[paint] = _STAND_IN.sub(lambda found: _VARIABLES[found.group()], attributes[paint])
