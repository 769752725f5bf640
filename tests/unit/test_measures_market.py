"""Services, escrow, rights, claims and the mint, on histories small enough to be worked out by hand."""

import pytest

from ecology.observe.measures.escrow import Escrow
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.minting import Mint, MintMeasures, Supply, SupplySeries
from ecology.observe.measures.principals import Principals
from ecology.observe.measures.services import Services
from ecology.observe.measures.works import WorkMeasures, Works
from tests.unit.market_log import MarketLog
from tests.unit.measures_log import ns


def services_of(log: MarketLog) -> Services:
    fold = Fold()
    services = Services(fold)
    fold.run(log.events)
    return services


def escrow_of(log: MarketLog) -> Escrow:
    fold = Fold()
    escrow = Escrow(fold)
    fold.run(log.events)
    return escrow


def works_of(log: MarketLog) -> WorkMeasures:
    fold = Fold()
    works = Works(fold, Principals(fold))
    fold.run(log.events)
    return works.result()


def test_invocations_are_counted_apart_from_checks_and_by_their_outcome() -> None:
    log = MarketLog()
    log.run("b", "inner", depth=2, price=1)
    log.run("b", "outer", price=4)
    log.run("b", "outer", fault="code_raised")
    log.run("b", "outer", fault="code_steps")
    log.run("b", "outer", fault="code_raised")
    log.run("b", "rules", method="check")
    log.run("b", "rules", method="check", fault="code_result")
    services = services_of(log)
    result = services.result()
    assert (result.invocations, result.failed, result.nested, result.tools) == (5, 3, 1, 2)
    assert (result.paid, result.paid_scrip) == (2, 5)
    code = services.code()
    assert (code.runs, code.checks, code.failures) == (7, 2, 4)
    assert list(code.faults.items()) == [("code_raised", 2), ("code_result", 1), ("code_steps", 1)]


def test_the_cost_models_error_is_known_only_where_cpu_was_measured() -> None:
    def code(clock: str) -> tuple[int, int, int | None, float | None]:
        log = MarketLog()
        log.start(clock=clock)
        log.run("b", "tool", cpu_us=100, estimate_us=150)
        log.run("b", "tool", cpu_us=300, estimate_us=350)
        result = services_of(log).code()
        return result.cpu_us, result.modelled_us, result.measured_us, result.estimate_error

    assert code("real") == (400, 500, 400, 0.25)
    assert code("virtual") == (400, 500, None, None)
    idle = MarketLog()
    idle.start(clock="real")
    assert services_of(idle).code().estimate_error is None


def test_charges_by_delegation_are_prices_that_another_than_the_caller_paid() -> None:
    log = MarketLog()
    log.delegate("boss", "club")
    log.delegate("boss", "club")  # again, with other bounds
    log.delegate("boss", "club", asset="cpu")
    log.delegate("boss", "club", asset="cpu", revoke=True)
    log.run("b", "tool", price=3, payer="boss")
    log.run("b", "tool", price=5)
    log.run("b", "tool", price=9, payer="boss", fault="code_raised")
    result = services_of(log).delegations()
    assert (result.granted, result.revoked, result.in_force) == (3, 1, 1)
    assert (result.charges, result.charged_scrip) == (1, 3)


def test_a_tool_that_others_invoke_is_reused_and_one_that_fails_is_not() -> None:
    log = MarketLog()
    for name in ("useful", "selfish", "broken"):
        log.create("a", name)
    log.run("b", "useful")
    log.run("a", "selfish")
    log.run("b", "broken", fault="code_raised")
    log.run("b", "never-existed")
    assert (works_of(log).reused, works_of(log).artifacts) == (1, 3)


def test_a_contract_in_code_is_reused_by_whoever_it_judges() -> None:
    log = MarketLog()
    log.create("a", "rules")
    log.run("b", "rules", method="check")
    assert works_of(log).reused == 1


def test_what_acts_for_itself_is_a_tool_in_its_makers_hand() -> None:
    log = MarketLog()
    for name in ("bank", "ledger", "abacus"):
        log.create("a" if name != "abacus" else "b", name)
    log.run("bank", "ledger", depth=2)
    log.run("bank", "abacus", depth=2)
    log.run("a", "bank")
    assert works_of(log).reused == 1, "only abacus is somebody else's"


def test_a_call_from_code_is_a_layer_of_capital() -> None:
    log = MarketLog()
    for name in ("ore", "iron", "nail", "house"):
        log.create("a", name)
    log.run("b", "ore", depth=3)
    log.run("b", "iron", depth=2)
    log.run("b", "nail", depth=1)
    assert works_of(log).capital_depth == 3
    log.create("a", "town", depends_on=("house",))
    log.run("b", "nail", depth=2, turn="b#2")
    log.run("b", "house", depth=1, turn="b#2")
    assert works_of(log).capital_depth == 5, "declared and observed dependencies make one chain"


def test_two_calls_of_an_agent_are_no_chain() -> None:
    log = MarketLog()
    for name in ("one", "two", "three"):
        log.create("a", name)
    log.run("b", "one", turn="b#1")
    log.run("b", "two", turn="b#1")
    log.run("b", "three", depth=2, turn="b#1")  # of a caller whose end another turn's run is not
    log.run("b", "two", turn="b#2")
    assert works_of(log).capital_depth == 1


def test_what_a_failed_run_called_is_built_on_by_nobody() -> None:
    log = MarketLog()
    for name in ("inner", "outer", "other"):
        log.create("a", name)
    log.run("b", "inner", depth=3, fault="code_raised")
    log.run("b", "other", depth=2, fault="code_raised")
    log.run("b", "outer", depth=1)
    assert works_of(log).capital_depth == 1


def test_a_contracts_check_on_the_way_is_no_dependency() -> None:
    log = MarketLog()
    for name in ("rules", "outer"):
        log.create("a", name)
    log.run("b", "rules", depth=2, method="check")
    log.run("b", "outer", depth=1)
    assert works_of(log).capital_depth == 1


def test_a_tool_that_calls_itself_is_one_layer() -> None:
    log = MarketLog()
    log.create("a", "echo")
    log.run("b", "echo", depth=2)
    log.run("b", "echo", depth=1)
    assert works_of(log).capital_depth == 1


def test_listings_are_counted_by_their_end() -> None:
    log = MarketLog()
    log.list("sold", at=1)
    log.list("later", at=1)
    log.list("withdrawn", asset="disk", amount=10)
    log.list("changed")
    log.list("waiting")
    log.sell("sold", 5, at=3)
    log.sell("later", 7, at=11)
    log.close("withdrawn", "cancelled", at=20)
    log.close("changed", "stale", at=20)
    log.end(30)
    result = escrow_of(log).result()
    assert (result.listed, result.sold, result.cancelled, result.stale, result.open) == (5, 2, 1, 1, 1)
    assert (result.turnover, result.median_seconds_to_sale) == (12, 6)


def test_a_world_without_listings_has_no_time_to_sale() -> None:
    escrow = escrow_of(MarketLog())
    assert escrow.result().median_seconds_to_sale is None
    assert escrow.turnover().scrip == {}


def test_rights_are_sold_let_and_come_back() -> None:
    log = MarketLog()
    log.deal(5, asset="disk", amount=1_000)
    log.deal(5, asset="llm_rate", amount=20, rent_ms=60_000)
    log.rent("llm_rate", 20)
    log.rent("llm_rate", 20, over=True)
    log.deal(9, kind="map")
    escrow = escrow_of(log)
    rights = escrow.rights()
    assert (rights.sold, rights.rented, rights.reverted) == (1, 1, 1)
    assert (rights.amounts_sold, rights.amounts_rented) == ({"disk": 1_000}, {"llm_rate": 20})
    assert {kind: sum(paid) for kind, paid in escrow.turnover().scrip.items()} == {
        "rights": 5,
        "rents": 5,
        "artifacts": 9,
    }


def test_a_right_is_idle_from_its_listing_to_its_sale() -> None:
    log = MarketLog()
    log.list("first", asset="llm_rate", amount=300, at=2)
    log.list("second", asset="llm_rate", amount=50, at=5)
    log.list("third", asset="disk", amount=7, at=5)
    log.sell("first", 5, asset="llm_rate", amount=300, at=4)
    log.end(10)
    escrow = escrow_of(log)
    assert escrow.idle_time("llm_rate") == 300 * 2 + 50 * 5
    assert (escrow.idle("llm_rate"), escrow.idle("disk"), escrow.idle("memory")) == (50, 7, 0)


def test_claims_are_known_by_their_type_and_repaid_by_invocations() -> None:
    log = MarketLog()
    log.create("a", "iou", kind="debt")
    log.create("a", "iou-2", kind="debt")
    log.create("a", "essay")
    log.hand_over("a", "b", "iou")
    log.hand_over("a", "b", "essay")
    log.run("a", "iou", method="repay", price=30)
    log.run("a", "iou", method="repay", price=30, fault="code_raised")
    log.run("a", "essay", price=4)
    log.delete("b", "iou-2")
    debts = escrow_of(log).debts()
    assert (debts.issued, debts.deleted, debts.traded, debts.repaid) == (2, 1, 1, 30)


def mint_of(log: MarketLog) -> MintMeasures:
    fold = Fold()
    mint = Mint(fold)
    fold.run(log.events)
    return mint.result()


def test_bids_are_counted_by_their_end_and_scores_over_those_that_won() -> None:
    log = MarketLog()
    for name in ("w1", "w2", "l", "f", "waiting"):
        log.bid(name)
    log.resolve("w1", "w2", "f", price=2)
    log.end_bid("l", "lost")
    log.end_bid("w1", "minted", price=2, score=80, minted=8)
    log.end_bid("w2", "minted", price=2, score=9)
    log.end_bid("f", "failed")
    assert mint_of(log) == MintMeasures(
        resolutions=1, bids=5, won=2, lost=1, failed=1, minted=8, paid=4, mean_score=44.5
    )
    assert mint_of(MarketLog()).mean_score is None


def test_the_supply_is_what_was_granted_and_what_was_minted() -> None:
    log = MarketLog()
    log.move("a", 100)
    log.move("b", 40, source="a", at=1)
    log.move("a", 9, asset="disk", at=1)
    log.move("a", 8, at=2)
    log.end_bid("w", "minted", score=80, minted=8, at=2)
    log.end(3)
    fold = Fold()
    supply = Supply(fold)
    fold.run(log.events)
    series = supply.result()
    assert series == SupplySeries(
        times_ns=[0, ns(1.9), ns(2), ns(2.9), ns(3)],
        supply=[100, 100, 108, 108, 108],
        minted=[0, 0, 8, 8, 8],
    )


@pytest.mark.parametrize("fold_twice", [False, True])
def test_a_history_may_arrive_in_parts(fold_twice: bool) -> None:
    log = MarketLog()
    log.list("x", asset="disk", amount=10, at=1)
    log.sell("x", 4, asset="disk", amount=10, at=6)
    log.end(9)
    fold = Fold()
    escrow = Escrow(fold)
    fold.run(log.events[:1])
    if fold_twice:
        assert escrow.result().open == 1
        assert escrow.idle("disk") == 10
    fold.run(log.events[1:])
    assert (escrow.idle_time("disk"), escrow.result().open) == (50, 0)
