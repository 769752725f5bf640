"""The report as its reader meets it: in a real browser, on any screen, in the dark, on paper, and under attack."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from ecology.events.economy import CodeRan, ListingSold
from ecology.events.records import ActionTaken, AgentSpawned, RunStarted
from ecology.events.registry import Record
from ecology.observe.report import write_report
from ecology.testing.histories import InventedWorld, history
from ecology.testing.market_histories import traded
from tests.acceptance.browser import Page, browsing
from tests.acceptance.report_run import HOSTILE, finished

FIGURES = {
    "wealth", "inequality", "actions", "states", "refusals", "levels", "network",
    "rights", "goods", "escrow", "money",
}  # fmt: skip
MARKET = ("rights", "goods", "escrow")


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


def report(run_dir: Path, world: InventedWorld, *, market: bool = False) -> Path:
    events = history(world)
    return write_report(finished(run_dir, list(traded(events) if market else events)))


WORLDS = {
    "one agent": InventedWorld(agents=1, seconds=60),
    "five agents": InventedWorld(agents=5, models=True, budget_usd_micros=40_000),
    "fifty agents": InventedWorld(agents=50, seconds=300, models=True),
    "many agents": InventedWorld(agents=2_000, seconds=8),
    "no transfers": InventedWorld(agents=10, seconds=60, quiet=True),
}


@pytest.mark.parametrize("world", WORLDS.values(), ids=list(WORLDS))
def test_it_renders_without_a_complaint_or_a_request(
    page: Page, tmp_path: Path, world: InventedWorld
) -> None:
    target = report(tmp_path, world)
    page.open(target)
    assert page.complaints == []
    assert {address for address in page.requested if not address.startswith("data:")} == {target.as_uri()}
    drawn = page.evaluate(
        "[...document.querySelectorAll('figure')].map(f => [f.id, f.querySelector('svg')?.clientHeight ?? 0])"
    )
    assert {name for name, _ in drawn} == FIGURES
    for name, height in drawn:
        assert height > 60 or page.evaluate(
            f"document.querySelector('#{name} .missing').innerText"
        ).startswith("No data.")
    for width in (360, 800, 1280, 2000):
        page.resize(width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_world_without_transfers_says_so_instead_of_drawing_zeroes(page: Page, tmp_path: Path) -> None:
    page.open(report(tmp_path, WORLDS["no transfers"]))
    assert "No transfer between principals took place." in page.evaluate(
        "document.querySelector('#network').innerText"
    )


@pytest.mark.parametrize("name", ["five agents", "fifty agents", "many agents"])
def test_a_market_is_drawn_whatever_its_size(page: Page, tmp_path: Path, name: str) -> None:
    page.open(report(tmp_path, WORLDS[name], market=True))
    assert page.complaints == []
    for figure in (*MARKET, "money"):
        assert page.evaluate(f"document.querySelector('#{figure} svg').clientHeight") > 60, figure
    for width in (360, 1280):
        page.resize(width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert "decisions of contracts" in page.evaluate("document.body.innerText")


def test_the_price_of_a_token_per_second_and_of_a_megabyte_is_shown(page: Page, tmp_path: Path) -> None:
    page.open(report(tmp_path, WORLDS["five agents"], market=True))
    rights = page.evaluate("document.querySelector('#rights').textContent")
    assert "A token/s cost" in rights
    assert "A megabyte cost" in rights
    titles = page.evaluate("[...document.querySelectorAll('#rights svg text')].map(t => t.textContent)")
    assert {"a token/s", "a megabyte", "a token/s, let for an hour"} <= set(titles)
    assert "no sales" in titles, "no megabyte was let"
    assert page.evaluate("document.querySelectorAll('#rights svg [style*=\"--c1\"]').length") > 2


def test_a_world_without_sales_says_so_instead_of_an_empty_plot(page: Page, tmp_path: Path) -> None:
    page.open(report(tmp_path, WORLDS["five agents"]))
    for name in MARKET:
        assert page.evaluate(f"document.querySelector('#{name} .missing').innerText").startswith(
            "No data. No sales: "
        )
    assert "none of it was minted" in page.evaluate("document.querySelector('#money').textContent")
    assert page.evaluate("document.querySelector('#services-heading')") is None, "no code ran"


def test_a_run_in_which_nothing_bound_says_so(page: Page, tmp_path: Path) -> None:
    plenty = InventedWorld(rate_millitokens=10**7, capacity_millitokens=10**8, disk_bytes=10**9, seconds=30)
    page.open(report(tmp_path, plenty))
    assert page.evaluate("document.querySelector('.verdict p').innerText").startswith("Nothing bound")


def test_every_figure_speaks_to_who_cannot_see_it(page: Page, tmp_path: Path) -> None:
    page.open(report(tmp_path, WORLDS["five agents"], market=True))
    spoken = page.evaluate(
        """[...document.querySelectorAll('svg')].map(svg => [
            svg.getAttribute('role'),
            ...svg.getAttribute('aria-labelledby').split(' ').map(id => document.getElementById(id).textContent),
            svg.closest('figure').querySelectorAll('details tbody tr').length,
        ])"""
    )
    assert len(spoken) == len(FIGURES)
    for role, title, description, rows in spoken:
        assert role == "img"
        assert title
        assert len(description) > 20
        assert rows > 0, f"{title} has no table of its numbers"
    headings = page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => +h.tagName[1])")
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(headings))


def test_every_id_is_unique_and_every_reference_leads_somewhere(page: Page, tmp_path: Path) -> None:
    page.open(report(tmp_path, WORLDS["fifty agents"], market=True))
    assert (
        page.evaluate(
            "(ids => ids.length - new Set(ids).size)([...document.querySelectorAll('[id]')].map(e => e.id))"
        )
        == 0
    )
    dangling = page.evaluate(
        """[...document.querySelectorAll('svg *')].flatMap(e => [e.getAttribute('href'), e.getAttribute('clip-path'),
            e.getAttribute('style')]).filter(Boolean).flatMap(t => [...t.matchAll(/#([A-Za-z][\\w-]*)(?=\\)|$)/g)])
            .map(m => m[1]).filter(id => !document.getElementById(id))"""
    )
    assert dangling == []


def test_the_dark_page_is_dark_and_its_figures_with_it(page: Page, tmp_path: Path) -> None:
    page.open(report(tmp_path, WORLDS["five agents"]))
    look = """[getComputedStyle(document.body).backgroundColor,
        ...['text', 'path[style*="--c1"]'].map(s => getComputedStyle(document.querySelector('#wealth svg ' + s)))
            .flatMap(style => [style.fill, style.stroke])]"""
    light = page.evaluate(look)
    page.prefer("dark")
    dark = page.evaluate(look)
    assert light[0] == "rgb(255, 255, 255)"
    assert dark[0] != light[0]
    assert dark[1] != light[1], "words in figures follow"
    assert dark[3:] != light[3:], "lines in figures follow"
    assert page.evaluate("document.documentElement.outerHTML.includes('#0a0')") is False, (
        "a stand-in colour was left over"
    )


def test_it_prints(page: Page, tmp_path: Path) -> None:
    page.open(report(tmp_path, WORLDS["five agents"]))
    page.prefer("dark")
    document = page.pdf()
    assert document.startswith(b"%PDF-")
    assert 2 <= document.count(b"/Type /Page\n") <= 12


def hostile_history() -> list[Record]:
    """Every word that an inhabitant, a scenario or a host could choose, chosen by an enemy."""
    events: list[Record] = []
    world = history(InventedWorld(agents=6, seconds=60, title=HOSTILE, models=True))
    for event in traded(world):
        if isinstance(event, RunStarted):
            event = msgspec.structs.replace(event, scenario=HOSTILE, clock=HOSTILE)
        elif isinstance(event, AgentSpawned):
            event = msgspec.structs.replace(event, strategy=HOSTILE + event.strategy)
        elif isinstance(event, ActionTaken) and event.reason is not None:
            event = msgspec.structs.replace(
                event, reason=HOSTILE + "$x^2$" + event.reason, action=HOSTILE + event.action
            )
        elif isinstance(event, CodeRan):
            event = msgspec.structs.replace(event, artifact_id=HOSTILE, fault=event.fault and HOSTILE)
        elif isinstance(event, ListingSold) and event.artifact_type is not None:
            event = msgspec.structs.replace(event, artifact_type=HOSTILE)
        events.append(event)
    return events


def test_hostile_words_stay_words(page: Page, tmp_path: Path) -> None:
    target = write_report(finished(tmp_path, hostile_history(), hostile=True))
    page.open(target)
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("document.querySelectorAll('script, img, iframe, object').length") == 0
    assert (
        page.evaluate(
            "[...document.querySelectorAll('*')].some(e => [...e.attributes].some(a => a.name.startsWith('on')))"
        )
        is False
    )
    assert page.complaints == []
    assert HOSTILE in page.evaluate("document.querySelector('h1').textContent")
    assert HOSTILE in page.evaluate("document.querySelector('#refusals').textContent")
    assert HOSTILE in page.evaluate("document.querySelector('#goods').textContent")
    assert "{{7*7}}" in page.evaluate("document.body.textContent"), "the template engine left it alone"
