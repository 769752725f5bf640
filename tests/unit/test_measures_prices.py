"""What things cost and whether it settles, on sales few enough to be worked out by hand."""

from itertools import pairwise

import pytest

from ecology.observe.measures import prices as prices_module
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.prices import MIN_SALES, Price, Prices, PriceSeries, settlement
from ecology.observe.measures.samples import Sample, robust_variation
from tests.unit.market_log import MarketLog

HOUR_MS = 3_600_000


def prices_of(log: MarketLog) -> Prices:
    fold = Fold()
    prices = Prices(fold)
    fold.run(log.events)
    return prices


def price_of(log: MarketLog, goods: str) -> Price:
    return prices_of(log).result()[goods]


@pytest.mark.parametrize(
    ("asset", "amount", "unit"),
    [
        ("llm_rate", 500, "token/s"),
        ("llm_capacity", 500, "token"),
        ("cpu_rate", 500_000, "CPU-second/s"),
        ("cpu_capacity", 500_000, "CPU-second"),
        ("disk", 500_000, "megabyte"),
        ("memory", 500_000, "megabyte"),
        ("llm_budget", 500_000, "dollar"),
    ],
)
def test_rights_are_quoted_in_units_people_know(asset: str, amount: int, unit: str) -> None:
    log = MarketLog()
    log.deal(7, asset=asset, amount=amount)
    price = price_of(log, asset)
    assert (price.unit, price.sales, price.turnover) == (unit, 1, 7)
    assert price.first == price.median == price.last == 14


def test_a_rent_is_quoted_for_an_hour_and_apart_from_sales() -> None:
    log = MarketLog()
    log.deal(3, asset="llm_rate", amount=2_000, rent_ms=HOUR_MS // 4)
    log.deal(50, asset="llm_rate", amount=1_000)
    assert price_of(log, "rent/llm_rate").median == 3 / 2 * 4
    assert price_of(log, "rent/llm_rate").unit == "token/s for 1 h"
    assert price_of(log, "llm_rate").median == 50


def test_artifacts_are_priced_by_type_and_tools_by_the_call() -> None:
    log = MarketLog()
    log.deal(4, kind="map")
    log.deal(8, kind="essay")
    log.deal(6, kind="map")
    log.run("b", "sorter", price=3)
    log.run("b", "sorter", price=5)
    assert list(prices_of(log).result()) == ["artifact/map", "artifact/essay", "call/sorter"]
    assert price_of(log, "artifact/map").median == 5
    assert (price_of(log, "call/sorter").turnover, price_of(log, "call/sorter").unit) == (8, "call")


def test_only_a_service_that_was_paid_has_a_price() -> None:
    log = MarketLog()
    log.run("b", "free")
    log.run("b", "failed", price=3, fault="code_raised")
    log.run("b", "contract", method="check", price=3)
    assert prices_of(log).result() == {}


def test_the_mints_price_is_that_of_resolutions_that_somebody_won() -> None:
    log = MarketLog()
    log.resolve("x", "y", price=4)
    log.resolve(price=1)
    log.resolve("z", price=6)
    price = price_of(log, "mint")
    assert (price.sales, price.first, price.median, price.last) == (2, 4, 5, 6)


def test_a_bucket_of_time_weighs_prices_by_volume() -> None:
    log = MarketLog()
    log.deal(10, asset="llm_rate", amount=1_000, at=1)
    log.deal(60, asset="llm_rate", amount=3_000, at=2)  # 20 each
    log.deal(9, asset="llm_rate", amount=1_000, at=599)
    log.end(600)
    series: PriceSeries = prices_of(log).series()["llm_rate"]
    assert series.bin_ns == 12_800_000_000, "100 ms doubled until 600 s fit into 60 bins"
    assert (series.prices[0], series.sales[0]) == (70 / 4, 2)
    assert (series.prices[-1], series.sales[-1]) == (9, 1)
    assert set(series.prices[1:-1]) == {None}, "nothing sold is no price, not a price of nothing"


def test_a_series_ends_where_the_history_does() -> None:
    log = MarketLog()
    log.deal(10, asset="disk", amount=1_000, at=1)
    log.end(3_600)
    assert prices_of(log).series()["disk"].bin_ns == 102_400_000_000


def test_too_few_sales_say_nothing_about_a_trend() -> None:
    assert settlement([5.0] * (MIN_SALES - 1)) == (None, None, None)
    log = MarketLog()
    log.deal(5, asset="disk", amount=1_000)
    price = price_of(log, "disk")
    assert price.variation is price.variation_early is price.settled is None


def test_a_price_that_calms_down_settles() -> None:
    early, late, settled = settlement([9.0, 30.0] * 4 + [11.0, 10.0] * 4 + [10.0, 10.0, 11.0, 10.0] * 2)
    assert early is not None
    assert late is not None
    assert early > 0.5
    assert late == 0
    assert settled is True


def test_a_price_that_never_moves_is_settled() -> None:
    assert settlement([7.0] * MIN_SALES) == (0, 0, True)


def test_a_price_that_keeps_jumping_does_not_settle() -> None:
    assert settlement([5.0, 15.0] * 12)[2] is False


def test_a_price_that_grows_wild_does_not_settle() -> None:
    wild = [10.0] * 16 + [8.5, 11.5] * 4
    early, late, settled = settlement(wild)
    assert early == 0
    assert late is not None and late < 0.23
    assert settled is False


def test_a_price_that_drifts_does_not_settle_however_smoothly() -> None:
    drift = [100 * 1.04**step for step in range(60)]
    assert settlement(drift)[2] is False


def test_outliers_do_not_unsettle_a_price() -> None:
    assert settlement([10.0, 10.0, 10.0, 900.0] * 8)[2] is True


def test_free_sales_have_no_relative_scatter() -> None:
    assert robust_variation([0.0, 0.0, 0.0]) is None
    assert robust_variation([]) is None
    assert settlement([0.0] * MIN_SALES) == (None, None, None)


def test_robust_variation_of_a_known_sample() -> None:
    assert robust_variation([1.0, 2.0, 3.0, 4.0, 100.0]) == pytest.approx(1.4826 * 1 / 3)


def test_a_sample_keeps_every_value_until_it_is_full_and_then_every_second() -> None:
    sample = Sample(4)
    for value in range(5):
        sample.add(value)
    assert sample.values == [0, 2, 4]
    for value in range(5, 18):
        sample.add(value)
    assert (sample.count, sample.values) == (18, [0, 8, 16])


def test_names_that_agents_choose_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices_module, "MAX_SERIES", 10)
    monkeypatch.setattr(prices_module, "SHOWN_SERIES", 8)
    log = MarketLog()
    for _ in range(3):
        log.deal(5, kind="popular")
    log.deal(5, asset="disk", amount=1_000)
    for number in range(100):
        log.deal(5, kind=f"kind-{number:02}")
    prices = prices_of(log)
    assert len(prices._ledgers) <= 10 + 1, "of chosen names as many as may be, and a right"
    result = prices.result()
    assert list(result)[:2] == ["disk", "artifact/popular"], "what sold most is kept, and so is every right"
    assert "artifact/kind-99" in prices._ledgers
    assert 1 + 5 < len(result) <= 1 + 8
    assert all(earlier.sales >= later.sales for earlier, later in pairwise(list(result.values())[1:]))
