"""Scripted minds under stress: bounded, repeatable, and unimpressed by whatever they are told, shown or made to be."""

from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecology.core.clock import SECOND_NS
from ecology.core.ids import is_id
from ecology.core.limits import MAX_AMOUNT, MAX_INBOX_EVENTS, MAX_PAGE
from ecology.core.outcome import Outcome
from ecology.engine.observation import Observation
from ecology.engine.policy import Policy, PolicyFactory, Thought
from ecology.engine.strategies import STRATEGIES, books
from ecology.engine.strategies.books import (
    MAX_BIDS,
    MAX_LISTED,
    MAX_POSITIONS,
    MAX_PRICES,
    MAX_SEEN,
    MAX_TOOLS,
    MAX_WORKS,
    Books,
)
from ecology.engine.strategies.citizen import PLEA, WARNING, Citizen
from ecology.engine.strategies.entrepreneur import Entrepreneur
from ecology.engine.strategies.memory import MAX_ACQUAINTANCES, MAX_PANTRY, MAX_QUEUE, Memory, load
from ecology.engine.strategies.mint_desk import REMEMBERED
from ecology.engine.strategies.rights_desk import TRADED
from ecology.engine.strategies.toolbox import PATTERNS, PROGRAM
from ecology.events.economy import BidClosed, ListingClosed, ListingSold
from ecology.events.records import Event
from ecology.events.registry import encode
from ecology.kernel.actions import Action, AgentConfig, List, Write
from tests.support.citizens import ME, OTHER, THIRD, Life
from tests.support.thinkers import live, settle

ALL = tuple(STRATEGIES)
LARGEST_SHOP = 12
BOUNDS: Mapping[str, int] = {
    "shop": LARGEST_SHOP,
    "pantry": MAX_PANTRY + LARGEST_SHOP,
    "trust": MAX_ACQUAINTANCES,
    "offers": MAX_PAGE,
    "orders": MAX_QUEUE + 1,
    "pleas": MAX_QUEUE,
    "cheats": MAX_QUEUE,
    "discards": 1,
    "inputs": 1,
}
"""The most that each list and dict may hold; one more order is an undeliverable one to pay back."""


BOOK_BOUNDS: Mapping[str, int] = {
    "pressure": len(TRADED),
    "prices": MAX_PRICES,
    "seen": MAX_SEEN,
    "listed": MAX_LISTED,
    "tools": MAX_TOOLS,
    "works": MAX_WORKS,
    "earnings": len(PATTERNS),
    "positions": MAX_POSITIONS,
    "bids": MAX_BIDS,
    "submitted": REMEMBERED,
}
"""The same of a business's books."""


def excess(mind: Citizen) -> list[str]:
    """The lists and dicts that are too long."""
    found = [name for name, bound in BOUNDS.items() if len(getattr(mind.memory, name)) > bound]
    if isinstance(mind, Entrepreneur):
        found += [name for name, bound in BOOK_BOUNDS.items() if len(getattr(mind.books, name)) > bound]
    return found


@pytest.mark.parametrize(("fresh", "bounds"), [(Memory(ask=1), BOUNDS), (Books(), BOOK_BOUNDS)])
def test_every_list_and_dict_that_is_remembered_has_a_bound(
    fresh: msgspec.Struct, bounds: Mapping[str, int]
) -> None:
    held = {name for name in fresh.__struct_fields__ if isinstance(getattr(fresh, name), list | dict)}
    assert held == set(bounds)


# -- hostile news, titles and traits

NAMES = st.sampled_from([ME, OTHER, THIRD, "tool-1", "agent-0001.essay.1", "world", "", "a" * 64]) | st.text(
    max_size=70
)
MEMOS = st.one_of(
    st.text(max_size=200),
    st.sampled_from(["gift", "listing-1", "listing-2"]),
    st.builds("{} {}".format, st.sampled_from(["buy", "refund", "sold", "invoke"]), NAMES),
)
TEXTS = st.text(max_size=80) | st.builds(str.__add__, st.sampled_from([PLEA, WARNING]), NAMES)
AMOUNTS = st.integers(1, 20) | st.integers(1, MAX_AMOUNT)
ASSETS = st.sampled_from(["scrip", "llm_budget", "disk"])
RIGHTS = st.sampled_from([None, "disk", "llm_rate", "llm_budget"])
NEWS = st.one_of(
    st.tuples(st.just("paid"), AMOUNTS, MEMOS, NAMES, st.sampled_from([ME, THIRD]), ASSETS),
    st.tuples(st.just("told"), TEXTS, NAMES),
    st.tuples(st.just("handed"), NAMES, NAMES, st.sampled_from([ME, THIRD])),
    st.tuples(st.just("sold"), NAMES, AMOUNTS, RIGHTS, AMOUNTS, st.integers(0, MAX_AMOUNT)),
    st.tuples(st.just("closed"), st.sampled_from(["listing-1", "listing-2"]), NAMES),
    st.tuples(st.just("minted"), NAMES, st.sampled_from(["minted", "lost", "failed"]), AMOUNTS, AMOUNTS),
)
NUMBERS = st.integers(0, 30) | st.integers(0, 10**12)
TITLES = (
    st.text(max_size=60)
    | st.builds("{} quality {} price {}".format, st.text(max_size=8), NUMBERS, NUMBERS)
    | st.builds("built (upon tool-{}x)".format, st.integers(0, 3))
)
TRAIT = st.sampled_from([-(2**63) + 1, -1, 0, 1, 10**9, 10**12, 2**63 - 1]) | st.integers(-5, 100)
TRAITS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("price", "appetite_s", "good_bytes", "good", "budget_usd_micros"), TRAIT)
)


ENVELOPE = {"sequence": 1, "time_ns": 0, "principal_id": None, "turn_id": None}


def event(life: Life, news: tuple[object, ...]) -> Event:
    """The event that a drawn tuple stands for."""
    kind, *rest = news
    if kind == "paid":
        amount, memo, by, to, asset = rest
        return life.paid(int(str(amount)), str(memo), by=str(by), to=str(to), asset=str(asset))
    if kind == "told":
        return life.told(str(rest[0]), by=str(rest[1]))
    if kind == "sold":
        return msgspec.convert(
            {
                **ENVELOPE,
                **dict(zip(("listing_id", "price", "asset", "amount", "rent_ms"), rest, strict=True)),
            }
            | {"seller_id": OTHER},
            ListingSold,
        )
    if kind == "closed":
        return msgspec.convert(
            {**ENVELOPE, "listing_id": rest[0], "seller_id": rest[1], "reason": "stale"}, ListingClosed
        )
    if kind == "minted":
        fields = dict(zip(("artifact_id", "how", "price", "minted"), rest, strict=True))
        return msgspec.convert({**ENVELOPE, **fields, "bid_id": "bid-1", "bidder_id": ME}, BidClosed)
    return life.handed(str(rest[0]), by=str(rest[1]), to=str(rest[2]))


def hostile_tool(name: str, title: str, price: int) -> Write:
    """A tool that says it is of a known kind and returns what it likes."""
    source = f"def improve(text):\n    return {{'text': text * 50, 'quality': {price}}}\n"
    interface: dict[str, object] = {"methods": {"improve": {}}}
    contract = f"pay_per_use({price})"
    return Write(name, source, type=PROGRAM, title=f"tidy: {title}", contract=contract, interface=interface)


@given(
    strategy=st.sampled_from(ALL),
    traits=TRAITS,
    titles=st.lists(TITLES, max_size=4),
    turns=st.lists(st.lists(NEWS, max_size=6), max_size=12),
    pause_s=st.integers(0, 200),
)
def test_no_news_no_title_and_no_trait_crashes_a_mind(
    strategy: str,
    traits: dict[str, int],
    titles: list[str],
    turns: list[list[tuple[object, ...]]],
    pause_s: int,
) -> None:
    """Each turn is also taken by a twin that was dumped and restored: it does and learns the same (see `Life.turn`)."""
    life = Life(strategy, **traits)
    for number, title in enumerate(titles):
        for kind in ("tool", "essay", "map"):
            life.stage.act(OTHER, Write(f"{kind}-{number}", "x", type=kind, title=title))
    for number, (title, price) in enumerate(zip(titles, (1, 7, 10**9, MAX_AMOUNT), strict=False)):
        life.stage.act(OTHER, hostile_tool(f"tool-{number}x", title, price))
        life.stage.act(
            OTHER, List(price=price, asset="disk", amount=number + 1, rent_ms=1_000 * (number % 2))
        )
        life.stage.act(OTHER, List(price=price, artifact=f"essay-{number}"))
    life.memory.want_ns = 0
    for told in turns:
        life.turn(*[event(life, news) for news in told])
        life.stage.pass_time(pause_s * SECOND_NS)
        assert excess(life.policy) == []


@pytest.mark.parametrize("strategy", ALL)
def test_a_flood_of_news_fills_no_memory(strategy: str) -> None:
    life = Life(strategy)
    for turn in range(60):
        life.turn(*[life.handed(f"gift-{turn}-{n}") for n in range(MAX_INBOX_EVENTS)])
        life.turn(*[life.told(PLEA + "scrip", by=f"beggar-{turn}-{n}") for n in range(MAX_INBOX_EVENTS)])
        life.turn(*[life.paid(1, f"buy {n}", by=f"buyer-{turn}-{n}") for n in range(MAX_INBOX_EVENTS)])
        life.turn(*[life.paid(1, "gift", by=f"giver-{turn}-{n}") for n in range(MAX_INBOX_EVENTS)])
        assert excess(life.policy) == []
    assert len(life.policy.dump()) < 60_000


# -- long lives


class Watched:
    """A mind whose memory is looked at after each turn."""

    slow = False

    def __init__(self, inner: Citizen, found: set[str]) -> None:
        self._inner = inner
        self._found = found

    async def decide(self, view: Observation) -> Thought:
        return await self._inner.decide(view)

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        self._inner.learn(action, outcome)

    def dump(self) -> bytes:
        memory = self._inner.memory
        self._found.update(excess(self._inner))
        self._found.update(name for name in (*memory.trust, *memory.pleas, *memory.cheats) if not is_id(name))
        return self._inner.dump()


class Forgetful(Watched):
    """A mind that lives only in what it dumped: each turn begins with a restored one."""

    def __init__(self, factory: PolicyFactory, config: AgentConfig, dumped: bytes) -> None:
        inner = factory(config, dumped)
        assert isinstance(inner, Citizen)
        super().__init__(inner, set())
        self._factory = factory
        self._config = config

    def dump(self) -> bytes:
        dumped = super().dump()
        inner = self._factory(self._config, dumped)
        assert isinstance(inner, Citizen)
        self._inner = inner
        return dumped


def watched(found: set[str]) -> dict[str, PolicyFactory]:
    """All strategies, watched."""

    def watch(factory: PolicyFactory) -> PolicyFactory:
        def build(config: AgentConfig, dumped: bytes) -> Policy:
            inner = factory(config, dumped)
            assert isinstance(inner, Citizen)
            return Watched(inner, found)

        return build

    return {name: watch(factory) for name, factory in STRATEGIES.items()}


def forgetful() -> dict[str, PolicyFactory]:
    """All strategies, restored at each turn."""

    def forget(factory: PolicyFactory) -> PolicyFactory:
        return lambda config, dumped: Forgetful(factory, config, dumped)

    return {name: forget(factory) for name, factory in STRATEGIES.items()}


def lived(policies: Mapping[str, PolicyFactory], seconds: int) -> list[bytes]:
    """The log of a small mixed world."""
    world, store = settle([*ALL, *ALL])
    return [encode(event) for event in live(world, store, policies, seconds)]


def test_memories_stay_in_bounds_over_a_long_life() -> None:
    found: set[str] = set()
    world, store = settle([*ALL, *ALL])
    live(world, store, watched(found), 3_600)
    assert found == set()
    for agent in world.roster:
        restored = STRATEGIES[agent.config.strategy](agent.config, agent.mind.partition(b"\0")[2])
        assert isinstance(restored, Citizen)
        assert excess(restored) == []


def test_minds_are_deterministic_and_a_restored_one_goes_on_as_if_nothing_had_happened() -> None:
    first, second = lived(STRATEGIES, 600), lived(STRATEGIES, 600)
    assert first == second
    assert len(first) > 2_000
    assert lived(forgetful(), 600) == first


@given(dumped=st.binary(max_size=40))
def test_a_memory_is_read_whole_or_not_at_all(dumped: bytes) -> None:
    """What no mind wrote is a fault that the supervisor sees, never a mind with half a memory."""
    try:
        memory = load(dumped)
    except msgspec.DecodeError:
        return
    assert msgspec.convert(msgspec.to_builtins(memory), Memory) == memory


@given(dumped=st.binary(max_size=40))
def test_books_are_read_whole_or_not_at_all(dumped: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        books.load(dumped)
