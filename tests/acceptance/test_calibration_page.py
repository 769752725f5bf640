"""A calibration's page as its reader meets it: in a real browser, on any screen, in the dark, and under attack."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ecology.observe.calibration import write_page
from tests.acceptance.browser import Page, browsing
from tests.support.calibrations import HOSTILE, RECORDS, profile

pytestmark = pytest.mark.browser

FIGURES = {"course", "hold-out", "knee", "capacity", "memory"}
UNDRAWN = {
    "refused": {"hold-out", "capacity", "memory"},
    "interrupted": {"hold-out", "knee", "capacity", "memory"},
    "nothing": FIGURES,
    "memory_bound": {"hold-out"},
    "long_classic": {"hold-out"},
}


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browsing() as opened:
        yield opened


@pytest.fixture(autouse=True)
def fresh(page: Page) -> None:
    page.complaints.clear()
    page.requested.clear()
    page.prefer("light")
    page.resize(1280)


def written(folder: Path, name: str) -> Path:
    record = RECORDS[name]()
    return write_page(folder / "calibration.html", record, profile(record))


@pytest.mark.parametrize("name", RECORDS)
def test_it_renders_without_a_complaint_or_a_request(page: Page, tmp_path: Path, name: str) -> None:
    target = written(tmp_path, name)
    page.open(target)
    assert page.complaints == []
    assert {address for address in page.requested if not address.startswith("data:")} == {target.as_uri()}
    drawn = dict(
        page.evaluate(
            "[...document.querySelectorAll('figure')].map(f => [f.id, f.querySelector('svg')?.clientHeight ?? 0])"
        )
    )
    also = {"compare"} if name in ("compared", "hostile") else set()
    assert set(drawn) == FIGURES | also
    assert {figure for figure, height in drawn.items() if height < 60} == UNDRAWN.get(name, set())
    for figure in UNDRAWN.get(name, ()):
        missing = page.evaluate(f"document.querySelector('#{figure} .missing').innerText")
        assert missing.startswith("No data.")
    for width in (400, 800, 1280, 2000):
        page.resize(width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", ["compared", "latency_bound", "long_classic"])
def test_every_figure_speaks_to_who_cannot_see_it(page: Page, tmp_path: Path, name: str) -> None:
    page.open(written(tmp_path, name))
    spoken = page.evaluate(
        """[...document.querySelectorAll('svg')].map(svg => [
            svg.getAttribute('role'),
            ...svg.getAttribute('aria-labelledby').split(' ').map(id => document.getElementById(id).textContent),
            svg.closest('figure').querySelector('figcaption h3').textContent,
            svg.closest('figure').querySelectorAll('details tbody tr').length,
        ])"""
    )
    assert len(spoken) >= 4
    for role, title, description, caption, rows in spoken:
        assert role == "img"
        assert title == caption
        assert len(description) > 20
        assert rows > 0, f"{title} has no table of its numbers"
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", ["ordinary", "compared", "long_classic", "latency_bound", "memory_bound"])
def test_no_words_in_a_figure_lie_on_each_other(page: Page, tmp_path: Path, name: str) -> None:
    page.open(written(tmp_path, name))
    overlapping = page.evaluate(
        """[...document.querySelectorAll('svg')].flatMap(svg => {
            const words = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
            return words.flatMap(([one, a], place) => words.slice(place + 1).filter(([other, b]) =>
                Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 &&
                Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4).map(([other]) => [one, other]));
        })"""
    )
    assert overlapping == []


def test_the_dark_page_is_dark_and_its_figures_with_it(page: Page, tmp_path: Path) -> None:
    page.open(written(tmp_path, "ordinary"))
    look = """[getComputedStyle(document.body).backgroundColor,
        getComputedStyle(document.querySelector('#knee svg text')).fill,
        getComputedStyle(document.querySelector('#course svg path[style*="--c1"]')).stroke]"""
    light = page.evaluate(look)
    page.prefer("dark")
    assert all(one != other for one, other in zip(light, page.evaluate(look), strict=True))
    assert page.evaluate("document.documentElement.outerHTML.includes('#0a0')") is False


def test_what_a_container_says_stays_words(page: Page, tmp_path: Path) -> None:
    page.open(written(tmp_path, "hostile"))
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("document.querySelectorAll('script, img, iframe, object').length") == 0
    assert page.complaints == []
    visible = HOSTILE.replace("\x1b", "\N{REPLACEMENT CHARACTER}")
    for place in ("h1", ".lead", "#adjustments", ".facts"):
        assert visible in page.evaluate(f"document.querySelector('{place}').textContent"), place


def test_the_same_record_gives_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = written(tmp_path / "a", "compared").read_bytes()
    assert written(tmp_path / "b", "compared").read_bytes() == first
    assert str(tmp_path).encode() not in first
