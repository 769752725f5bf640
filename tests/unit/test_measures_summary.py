"""The summary: its contract, what it refuses to measure, and how it reads at the terminal."""

import io
from collections.abc import Iterator

import msgspec
import pytest
from rich.console import Console

from ecology.core.errors import RunFault
from ecology.events.records import SCHEMA_VERSION
from ecology.events.registry import encode
from ecology.observe.measures.flow import FlowMeasures
from ecology.observe.measures.lines import records
from ecology.observe.projections import summarise
from ecology.observe.summary import (
    AuditCheck,
    AuditResult,
    Container,
    RunFacts,
    Summary,
    assemble,
    encode_summary,
)
from ecology.observe.summary_table import render_table, visible
from ecology.testing.histories import InventedWorld, history
from ecology.testing.market_histories import traded
from tests.unit.market_log import MarketLog
from tests.unit.measures_log import Log

CONTRACT = {
    "": "run_id scenario seed agents clock world_seconds wall_seconds cpu_seconds peak_rss_bytes actions refusals "
    "events event_log_sha256 actions_per_second model measures economy prices mint escrow rights code scarcity audit "
    "container run_dir",
    "model": "calls input_tokens output_tokens usd_micros estimate_usd_micros",
    "measures": "supply gini velocity coordination_density coalitions specialisation reuse capital_depth "
    "action_entropy_bits",
    "economy": "invocations failed_invocations paid_invocations capital_depth reuse delegations debts",
    "mint": "resolutions bids won lost failed minted paid mean_score",
    "escrow": "listed sold cancelled stale open turnover median_seconds_to_sale",
    "rights": "sold rented reverted",
    "code": "runs failures faults cpu_us modelled_us measured_us estimate_error",
    "audit": "ok checks",
    "container": "cpus memory_bytes source",
}
"""Names that scripts rely on."""


def facts(**changes: object) -> RunFacts:
    base = RunFacts(
        run_id="20260131T235959Z-container-7",
        run_dir="runs/20260131T235959Z-container-7",
        wall_seconds=2.0,
        cpu_seconds=1.5,
        peak_rss_bytes=100 << 20,
        event_log_sha256="ab" * 32,
        costs="modelled",
        concurrent_thoughts=15,
        audit=AuditResult(True, [AuditCheck("assets sum to zero", True)]),
        container=Container(2.0, 4 << 30, "cgroup v2"),
    )
    return msgspec.structs.replace(base, **changes)


def summary(world: InventedWorld, **changes: object) -> Summary:
    return assemble(summarise(history(world)), facts(**changes))


def printed(text: Summary, *, encoding: str = "utf-8", **options: object) -> str:
    buffer = io.BytesIO()
    file = io.TextIOWrapper(buffer, encoding=encoding, errors="strict")
    Console(file=file, width=80, **options).print(render_table(text))  # type: ignore[arg-type]
    file.flush()
    return buffer.getvalue().decode(encoding)


def test_the_summary_keeps_its_contract() -> None:
    decoded = msgspec.json.decode(encode_summary(summary(InventedWorld(models=True))))
    for place, names in CONTRACT.items():
        assert set(names.split()) <= set(decoded[place] if place else decoded), place
    for resource in decoded["scarcity"].values():
        assert {"share_waiting", "share_used", "binds"} <= set(resource)
    assert decoded["world_seconds"] == 600
    assert decoded["actions_per_second"] == decoded["actions"] / 2
    assert decoded["refusals"] and all(isinstance(count, int) for count in decoded["refusals"].values())


def test_the_same_events_give_the_same_summary_however_they_arrive() -> None:
    world = InventedWorld(agents=9, seconds=120)
    lines: Iterator[bytes] = (encode(event) for event in history(world))
    assert encode_summary(assemble(summarise(records(lines)), facts())) == encode_summary(summary(world))


def test_a_summary_survives_its_own_file() -> None:
    original = summary(InventedWorld(models=True, budget_usd_micros=20_000))
    assert msgspec.json.decode(encode_summary(original), type=Summary) == original


def market(world: InventedWorld, **changes: object) -> Summary:
    return assemble(summarise(traded(history(world))), facts(**changes))


def test_the_summary_names_the_prices_of_a_market() -> None:
    decoded = msgspec.json.decode(encode_summary(market(InventedWorld())))
    assert list(decoded["prices"])[:3] == ["llm_rate", "disk", "rent/llm_rate"]
    for price in decoded["prices"].values():
        assert {"unit", "sales", "first", "last", "median", "settled", "variation"} <= set(price)
    assert decoded["prices"]["llm_rate"]["settled"] is True
    assert decoded["prices"]["disk"]["first"] > 2 * decoded["prices"]["disk"]["last"]
    assert decoded["economy"]["nested_invocations"] > 0
    assert decoded["mint"]["minted"] == decoded["measures"]["supply"] - 600


def test_where_events_cannot_know_the_cost_models_error_the_process_does() -> None:
    world = InventedWorld()
    assert market(world).code.measured_us is market(world).code.estimate_error is None
    metered = {"code_measured_us": 800, "code_estimate_error": 0.125}
    code = market(world, **metered).code
    assert (code.measured_us, code.estimate_error) == (800, 0.125)
    code = summary(world, **metered).code
    assert code.measured_us is code.estimate_error is None, "no code ran"


def test_the_table_tells_of_a_market_only_where_there_was_one() -> None:
    assert "Market" not in printed(summary(InventedWorld()))
    text = printed(market(InventedWorld(seconds=1200)))
    assert max(len(line) for line in text.splitlines()) <= 80
    for words in (
        "Market  ",
        "invocations",
        "listings sold",
        "rents (",
        "scrip minted",
        "rents are for an hour;",
    ):
        assert words in text
    assert "more in summary.json" in text
    assert "\x1b" not in printed(market(InventedWorld()), encoding="ascii")


def test_the_table_tells_how_the_flow_was_changed() -> None:
    assert "Flow" not in printed(summary(InventedWorld()))
    text = printed(summary(InventedWorld(flow=((100, 2_000_000), (300, 500_000)))))
    said = "tokens' flow was changed 2 times: 0.5 to 2 times what the rights say, 1.08 on average, 0.5 in the end"
    assert said in " ".join(text.split())


def test_a_summary_from_before_there_was_a_factor_can_still_be_read() -> None:
    data = msgspec.json.decode(encode_summary(summary(InventedWorld())))
    del data["flow"]
    assert msgspec.convert(data, Summary).flow == FlowMeasures()


def test_the_burn_is_what_budgets_lost_or_else_what_models_cost() -> None:
    def burn(world: InventedWorld) -> float | None:
        return summarise(history(world)).measures.budget_burn_usd_micros_per_hour

    assert burn(InventedWorld()) is None
    assert burn(InventedWorld(budget_usd_micros=20_000)) == 5 * 20_000 * 6, (
        "five agents spent it all in ten minutes"
    )
    modelled = summarise(history(InventedWorld(models=True)))
    assert modelled.measures.budget_burn_usd_micros_per_hour == modelled.model.usd_micros * 6


def test_an_unfinished_run_can_be_measured_so_far() -> None:
    events = list(history(InventedWorld()))[:200]
    measured = summarise(events)
    assert measured.identity.outcome == "unfinished"
    assert measured.world_ns == events[-1].time_ns


def test_a_log_without_its_beginning_is_refused() -> None:
    with pytest.raises(RunFault, match=r"does not begin with run\.started"):
        summarise(list(history(InventedWorld()))[1:])


def test_a_log_of_another_schema_is_refused() -> None:
    log = Log()
    log.start(schema_version=99)
    with pytest.raises(RunFault, match=f"schema 99, this version reads {SCHEMA_VERSION}"):
        summarise(log.events)


def test_a_line_that_is_no_event_is_named() -> None:
    good = encode(next(history(InventedWorld())))
    with pytest.raises(RunFault, match="line 2 of the event log is no event") as caught:
        list(records([good, b'{"type":"rumour"}']))
    assert "\n" not in str(caught.value)


def test_a_run_that_began_and_ended_at_once() -> None:
    log = Log()
    log.start()
    log.end(0)
    measured = summarise(log.events)
    assert (measured.world_ns, measured.actions) == (0, 0)
    text = printed(assemble(measured, facts(wall_seconds=0.0)))
    assert "no data" in text
    assert "Nothing bound" in text


def test_the_table_fits_80_columns_with_many_agents_and_long_names() -> None:
    world = InventedWorld(agents=40, seconds=300, models=True, scenario="x" * 64)
    text = printed(summary(world, container=Container(2.0, 4 << 30, "cgroup v2 " + "/deep" * 40)))
    assert max(len(line) for line in text.splitlines()) <= 80
    for words in (
        "Scarcity bound: llm_rate and disk.",
        "Strategies' fortunes",
        "Richest",
        "Refusals (",
        "audit passed",
    ):
        assert words in text


def test_the_table_needs_neither_colour_nor_unicode() -> None:
    world = InventedWorld()
    assert "\x1b" not in printed(summary(world), encoding="ascii")
    assert "\x1b" in printed(summary(world), force_terminal=True, color_system="standard", no_color=False)
    uncoloured = printed(summary(world), force_terminal=True, no_color=True)
    assert "\x1b[3" not in uncoloured, "bold and dim at most"


def test_a_broken_audit_cannot_be_overlooked() -> None:
    broken = AuditResult(
        False, [AuditCheck("assets sum to zero", False), AuditCheck("no hold is lost", True)]
    )
    assert "audit FAILED: assets sum to zero" in printed(summary(InventedWorld(), audit=broken))


def test_words_from_the_world_cannot_steer_the_terminal() -> None:
    assert visible("a\x1b[2Jb\nc\u202e[red]d") == "a?[2Jb?c?[red]d"
    assert visible("x" * 100) == "x" * 37 + "..."
    log = MarketLog()
    log.start(agents=1)
    log.spawn("a", strategy="\x1b]0;owned\x07[bold]evil[/nope]")
    log.act("a", "write", reason="[link=file:///]\x1b[31m")
    log.deal(5, kind="\x1b[2J[blink]" + "x" * 60)
    log.end(1)
    text = printed(assemble(summarise(log.events), facts()))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[link=file" in text
    assert "artifact/?[2J[b..." in text
