"""Contracts under which reading is paid for: per read, per period, by an employer."""

import msgspec
import pytest

from ecology import examples
from ecology.kernel import refusals as why
from ecology.kernel.actions import (
    Configure,
    Delegate,
    Delete,
    Edit,
    Invoke,
    Query,
    Read,
    Revoke,
    Transfer,
    Write,
)
from ecology.sandbox.interface import check_interface
from ecology.sandbox.program import Program, compile_program
from tests.support.gallery import ANN, BEN, CAT, DAN, Gallery, gallery

SECOND_NS = 1_000_000_000


def book(stage: Gallery, contract: str) -> None:
    """Ann's book under one of her contracts."""
    stage.publish(ANN, contract, contract if contract == "membership" else None)
    stage.do(ANN, Write("book", "It was a dark and stormy night.", contract=contract))


@pytest.mark.parametrize("name", examples.NAMES)
def test_an_example_is_a_program_that_defines_what_its_interface_promises(name: str) -> None:
    program, interface = compile_program(examples.source(name)), examples.interface(name)
    assert isinstance(program, Program), program
    assert check_interface(interface) is None
    methods = interface["methods"]
    assert isinstance(methods, dict)
    assert methods.keys() <= program.functions
    assert ("check" in methods) == ("check" in program.functions)


# -- paid_read


def test_reading_costs_everybody_but_the_owner() -> None:
    with gallery() as stage:
        book(stage, "paid_read")
        stage.do(ANN, Read("book", max_price=0))
        assert stage.do(BEN, Read("book"))["content"] == "It was a dark and stormy night."
        stage.do(BEN, Read("book", max_price=5))
        assert (stage.scrip(ANN), stage.scrip(BEN)) == (1_010, 990)


def test_nobody_reads_for_less_or_without_the_money() -> None:
    with gallery() as stage:
        book(stage, "paid_read")
        assert stage.refused(BEN, Read("book", max_price=4)) == why.PRICE_ABOVE_LIMIT
        stage.give(BEN, CAT, 996)
        assert stage.refused(BEN, Read("book")) == why.INSUFFICIENT
        assert stage.scrip(BEN) == 4


def test_a_read_that_fails_costs_nothing() -> None:
    with gallery() as stage:
        book(stage, "paid_read")
        assert stage.refused(BEN, Read("book", offset=1_000)) == why.ARGUMENT_INVALID
        assert stage.scrip(BEN) == 1_000


@pytest.mark.parametrize(
    "deed",
    [
        Write("book", "mine", contract="public"),
        Edit("book", "dark", "bright"),
        Delete("book"),
        Transfer(to=CAT, artifact="book"),
    ],
)
def test_a_reader_changes_nothing(deed: Write | Edit | Delete | Transfer) -> None:
    with gallery() as stage:
        book(stage, "paid_read")
        assert stage.refused(BEN, deed) == why.NOT_PERMITTED


def test_code_reads_at_its_callers_expense_and_within_the_allowance() -> None:
    with gallery() as stage:
        book(stage, "paid_read")
        stage.code(CAT, "reader", "def run():\n    return read('book')['content']\n", "run")
        assert stage.refused(BEN, Invoke("reader", allowance=4)) == why.CODE_RAISED
        assert stage.scrip(BEN) == 1_000
        stage.do(BEN, Invoke("reader", allowance=5))
        assert stage.scrip(BEN) == 995


# -- subscription


def test_a_period_is_paid_once() -> None:
    with gallery() as stage:
        book(stage, "subscription")
        for _ in range(3):
            stage.do(BEN, Read("book"))
        assert stage.scrip(BEN) == 980
        stage.pass_time(600 * SECOND_NS - 1_000_000)
        stage.do(BEN, Read("book", max_price=0))
        stage.pass_time(1_000_000)
        assert stage.refused(BEN, Read("book", max_price=0)) == why.PRICE_ABOVE_LIMIT
        stage.do(BEN, Read("book"))
        assert (stage.scrip(ANN), stage.scrip(BEN)) == (1_040, 960)


def test_everybody_pays_for_himself_and_expired_subscribers_are_dropped() -> None:
    with gallery() as stage:
        book(stage, "subscription")
        stage.do(BEN, Read("book"))
        stage.pass_time(300 * SECOND_NS)
        stage.do(CAT, Read("book"))
        assert msgspec.json.decode(stage.state_of("book")) == {BEN: 600_000, CAT: 900_000}
        stage.pass_time(300 * SECOND_NS)
        stage.do(DAN, Read("book"))
        assert msgspec.json.decode(stage.state_of("book")) == {CAT: 900_000, DAN: 1_200_000}


def test_a_subscription_that_could_not_be_paid_is_not_remembered() -> None:
    with gallery() as stage:
        book(stage, "subscription")
        stage.give(BEN, CAT, 990)
        assert stage.refused(BEN, Read("book")) == why.INSUFFICIENT
        assert stage.state_of("book") == ""
        assert stage.refused(CAT, Read("book", offset=99)) == why.ARGUMENT_INVALID
        assert stage.state_of("book") == ""


def test_a_full_subscription_is_sold_out_below_the_limit_of_its_state() -> None:
    with gallery(agents=42) as stage:
        book(stage, "subscription")
        for number in range(2, 42):
            stage.do(f"agent-{number:04}", Read("book"))
        assert stage.refused("agent-0042", Read("book")) == why.NOT_PERMITTED
        stage.pass_time(600 * SECOND_NS)
        stage.do("agent-0042", Read("book"))


# -- membership


def hired(stage: Gallery) -> None:
    """Ann's book by membership; Ben employs Cat and has delegated 3 per call, 6 per minute."""
    book(stage, "membership")
    stage.do(BEN, Delegate("membership", max_per_call=3, max_per_window=6, window_ms=60_000))
    stage.do(BEN, Invoke("membership", "enlist", {"name": CAT}))
    stage.do(CAT, Invoke("membership", "join", {"name": BEN}))


def test_the_employer_is_charged_for_what_its_staff_reads() -> None:
    with gallery() as stage:
        hired(stage)
        stage.do(CAT, Read("book"))
        stage.do(DAN, Read("book"))
        assert (stage.scrip(BEN), stage.scrip(CAT), stage.scrip(DAN)) == (1_000 - 25 - 3, 1_000, 997)
        assert stage.scrip(ANN) == 1_000 + 25 + 3 + 3


def test_no_more_is_charged_than_was_delegated() -> None:
    with gallery() as stage:
        hired(stage)
        stage.do(CAT, Read("book"))
        stage.do(CAT, Read("book"))
        assert stage.refused(CAT, Read("book")) == why.NOT_DELEGATED
        stage.pass_time(60 * SECOND_NS)
        stage.do(CAT, Read("book"))
        stage.do(BEN, Revoke("membership"))
        assert stage.refused(CAT, Read("book")) == why.NOT_DELEGATED
        stage.do(CAT, Invoke("membership", "leave"))
        stage.do(CAT, Read("book"))
        assert (stage.scrip(BEN), stage.scrip(CAT)) == (1_000 - 25 - 9, 997)


def test_nobody_makes_an_employer_of_somebody_else() -> None:
    with gallery() as stage:
        hired(stage)
        assert stage.refused(DAN, Invoke("membership", "join", {"name": BEN})) == why.NOT_PERMITTED
        stage.do(DAN, Invoke("membership", "enlist", {"name": DAN}))
        stage.do(DAN, Invoke("membership", "join", {"name": DAN}))
        stage.do(DAN, Read("book"))
        assert (stage.scrip(BEN), stage.scrip(DAN)) == (975, 1_000 - 25 - 3)


def test_whoever_is_enlisted_unasked_goes_on_paying_for_himself() -> None:
    with gallery() as stage:
        book(stage, "membership")
        stage.do(BEN, Invoke("membership", "enlist", {"name": CAT}))
        stage.do(CAT, Read("book"))
        assert stage.scrip(CAT) == 997


def test_who_was_dismissed_pays_for_himself() -> None:
    with gallery() as stage:
        hired(stage)
        stage.do(BEN, Invoke("membership", "dismiss", {"name": CAT}))
        stage.do(CAT, Read("book"))
        assert (stage.scrip(BEN), stage.scrip(CAT)) == (975, 997)


def test_a_staff_is_bounded_and_enlisting_twice_is_enlisting_once() -> None:
    with gallery() as stage:
        book(stage, "membership")
        for _ in range(2):
            stage.do(BEN, Invoke("membership", "enlist", {"name": CAT}))
        assert stage.scrip(BEN) == 975
        for number in range(7):
            stage.do(BEN, Invoke("membership", "enlist", {"name": f"hand-{number}"}))
        assert stage.refused(BEN, Invoke("membership", "enlist", {"name": DAN})) == why.NOT_PERMITTED


def test_the_rules_of_a_membership_never_change() -> None:
    with gallery() as stage:
        hired(stage)
        source = examples.source("membership").replace("FEE = 3", "FEE = 300")
        for name in (ANN, BEN):
            assert stage.refused(name, Write("membership", source, type="program")) == why.NOT_PERMITTED
        assert stage.refused(ANN, Delete("membership")) == why.NOT_PERMITTED


def test_what_a_contract_remembers_can_be_asked_for() -> None:
    with gallery() as stage:
        hired(stage)
        assert stage.do(DAN, Query("artifact", {"id": "membership"}))["contract_state"] == {
            "staff": {BEN: [CAT]},
            "employer": {CAT: BEN},
        }


def test_a_new_owner_is_paid_from_then_on() -> None:
    """The price goes to whoever owns the book when it is read, not to whoever wrote it."""
    with gallery() as stage:
        book(stage, "paid_read")
        stage.do(CAT, Configure(accepts_from=[ANN]))
        stage.do(ANN, Transfer(to=CAT, artifact="book"))
        stage.do(ANN, Read("book"))
        assert (stage.scrip(ANN), stage.scrip(CAT)) == (995, 1_005)
