"""Random bids, works that change, scorers that fail, children, and time: the mint against an oracle of a few lines."""

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from ecology.core import ids
from ecology.core.clock import SECOND_NS
from ecology.events.economy import BidClosed, MintResolved
from ecology.events.records import TransferPosted
from ecology.kernel.actions import AgentConfig, Bid, Configure, Delete, Spawn, Transfer, Write
from ecology.kernel.economy.mint import MAX_BIDS, next_resolution_ns
from ecology.kernel.economy.scoring import Score, Submission
from ecology.kernel.laws import Laws, MintLaw
from ecology.resources.assets import DISK, SCRIP
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import GRANTS, Stage

MONEY = 200
WORKS = 2

AGENTS = st.integers(1, 7)
AMOUNTS = st.integers(1, 6) | st.integers(1, MONEY) | st.sampled_from([-1, 0, MONEY + 1, 2**63 - 1, 2**63])


class Offer(NamedTuple):
    """A bid as the oracle knows it; `seen` is False once the work is no longer what was submitted."""

    order: int
    bidder: str
    work: str
    amount: int
    seen: bool = True


class Oracle:
    """Money by agent in the order of their birth, and the open bids: what the rules say, without a ledger."""

    def __init__(self, law: MintLaw, agents: Sequence[str]) -> None:
        self.law = law
        self.money = dict.fromkeys(agents, MONEY)
        self.founder = {name: name for name in agents}
        self.open: list[Offer] = []
        self.minted = 0

    def free(self, bidder: str) -> int:
        return self.money[bidder] - sum(offer.amount for offer in self.open if offer.bidder == bidder)

    def takes(self, bidder: str, work: str, amount: int, owner: str | None) -> bool:
        theirs = sum(offer.bidder == bidder for offer in self.open)
        submitted = any(offer.work == work for offer in self.open)
        fair = owner == bidder and self.law.minimum <= amount <= self.free(bidder)
        return fair and not submitted and theirs < MAX_BIDS

    def spoil(self, work: str) -> None:
        self.open = [offer._replace(seen=False) if offer.work == work else offer for offer in self.open]

    def resolve(self, scores: dict[str, int | None]) -> tuple[list[str], int | None]:
        """The winners' works by rank and the price that each of them pays, None if there was nothing to choose."""
        ranked = sorted((it for it in self.open if it.seen), key=lambda it: (-it.amount, it.order))
        winners, losers = ranked[: self.law.slots], ranked[self.law.slots :]
        price = losers[0].amount if losers else self.law.minimum
        self.open = []
        for offer in winners:
            score = scores[offer.work]
            if score is None:
                continue
            family = self.founder[offer.bidder]
            others = [name for name, founder in self.founder.items() if name == founder != family]
            if others:
                self.money[offer.bidder] -= price
                for place, name in enumerate(others):
                    self.money[name] += price // len(others) + (place < price % len(others))
            self.money[offer.bidder] += score // 10
            self.minted += score // 10
        return [offer.work for offer in winners], price if winners else None


class FromTable:
    """Scores by the work's name; None is no score."""

    slow = False

    def __init__(self, scores: dict[str, int | None]) -> None:
        self.scores = scores

    def score(self, submission: Submission) -> Score:
        value = self.scores[submission.artifact]
        if value is None:
            raise LookupError("no score for this one")
        return Score(value)


def _checked(stage: Stage, oracle: Oracle) -> None:
    """After every step: each agent has what the oracle says, and nothing was made or lost but what was minted."""
    world = stage.world
    assert {agent.id: world.available(agent, SCRIP) for agent in world.roster} == {
        name: oracle.free(name) for name in oracle.money
    }
    assert world.supply(SCRIP) == sum(oracle.money.values())
    assert sum(world.book.totals().values()) == 0
    assert broken_laws(world) == []


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[str, int, int, int]]:
    """Kind, who (by ordinal), which work, amount; mostly bids."""
    kind = st.sampled_from([*["bid"] * 8, "rewrite", "delete", "give", "spawn", "wait", "resolve"])
    some = st.tuples(kind, AGENTS, st.integers(0, WORKS - 1), AMOUNTS)
    return draw(st.lists(some, min_size=10, max_size=60))


@settings(max_examples=200, deadline=None)
@given(
    law=st.builds(MintLaw, slots=st.integers(1, 4), minimum=st.integers(1, 5)),
    agents=st.integers(1, 5),
    plan=steps(),
    scores=st.lists(st.none() | st.integers(0, 100), min_size=7 * WORKS, max_size=7 * WORKS),
)
def test_the_mint_does_what_its_rules_say(
    law: MintLaw, agents: int, plan: list[tuple[str, int, int, int]], scores: list[int | None]
) -> None:
    stage = Stage.of(agents, {**GRANTS, SCRIP: MONEY})
    world = stage.world
    names = [agent.id for agent in world.roster]
    works = [f"work-{who}-{number}" for who in range(1, 8) for number in range(WORKS)]
    table = dict(zip(works, scores, strict=True))
    world.laws, world.scorer = Laws(mint=law), FromTable(table)
    oracle = Oracle(law, names)
    for name in names:
        _write_works(stage, name)
    stage.events()
    for order, (kind, who, number, amount) in enumerate([*plan, ("resolve", 1, 0, 0)]):
        actor = names[who % len(names)]
        work = f"work-{1 + (who + (amount % 5 == 0)) % len(names)}-{number}"  # sometimes another's
        if kind == "bid":
            _bid(stage, oracle, Offer(order, actor, work, amount))
        elif kind == "resolve":
            _resolve(stage, oracle)
        elif kind == "wait":
            _wait(stage, oracle, amount % 70)
        elif kind == "spawn" and len(names) < 7:
            _spawn(stage, oracle, actor, names)
        elif kind != "spawn":
            _spoil(stage, oracle, kind, work, names)
        _checked(stage, oracle)
    assert world.supply(SCRIP) == MONEY * agents + oracle.minted
    assert world.book.pending() == []


def _write_works(stage: Stage, name: str) -> None:
    ordinal = stage.agent(name).ordinal
    stage.do(name, Configure(accepts_from=["*"]))
    for number in range(WORKS):
        text = f"{name} on {number}"
        stage.do(name, Write(f"work-{ordinal}-{number}", text, contract="transferable_freeware"))


def _owner(stage: Stage, work: str) -> str | None:
    artifact = stage.world.shelf.find(work)
    return None if artifact is None or artifact.deleted else artifact.owner


def _bid(stage: Stage, oracle: Oracle, offer: Offer) -> None:
    action = Bid(offer.work, offer.amount)
    if oracle.takes(offer.bidder, offer.work, offer.amount, _owner(stage, offer.work)):
        stage.do(offer.bidder, action)
        oracle.open.append(offer)
    else:
        stage.refused(offer.bidder, action)


def _resolve(stage: Stage, oracle: Oracle) -> None:
    """Let time pass until the next resolution, and compare what it says with what it should."""
    scorer = stage.world.scorer
    assert isinstance(scorer, FromTable)
    stage.events()
    stage.pass_time(next_resolution_ns(oracle.law, stage.now_ns) - stage.now_ns)
    before = oracle.minted
    winners, price = oracle.resolve(scorer.scores)
    events = stage.events()
    resolutions = [event for event in events if isinstance(event, MintResolved)]
    ends = {event.bid_id: event for event in events if isinstance(event, BidClosed)}
    assert [event.price for event in resolutions] == ([] if price is None else [price])
    won = [ends[name].artifact_id for event in resolutions for name in event.winners]
    assert won == winners
    for event in ends.values():
        expected = "lost" if event.artifact_id not in winners else "minted"
        if expected == "minted" and scorer.scores[event.artifact_id] is None:
            expected = "failed"
        assert event.how == expected
    issued = [event for event in events if isinstance(event, TransferPosted) and event.from_id == ids.WORLD]
    assert all(event.memo == "mint" for event in issued)
    assert sum(event.amount for event in issued) == sum(event.minted for event in ends.values())
    assert sum(event.amount for event in issued) == oracle.minted - before


def _wait(stage: Stage, oracle: Oracle, seconds: int) -> None:
    """Let time pass, but not past a resolution."""
    left_ns = next_resolution_ns(oracle.law, stage.now_ns) - stage.now_ns
    stage.pass_time(min(seconds * SECOND_NS, left_ns - 1))


def _spawn(stage: Stage, oracle: Oracle, parent: str, names: list[str]) -> None:
    child, dowry = f"child-{len(names) + 1}", min(10, oracle.free(parent))
    endowment = {DISK: 4_000, **({SCRIP: dowry} if dowry else {})}
    if stage.world.disk_free(stage.agent(parent)) < 8_000:
        return
    stage.do(parent, Spawn(child, AgentConfig("maker"), endowment))
    oracle.money[parent] -= dowry
    oracle.money[child] = dowry
    oracle.founder[child] = oracle.founder[parent]
    names.append(child)
    _write_works(stage, child)


def _spoil(stage: Stage, oracle: Oracle, kind: str, work: str, names: list[str]) -> None:
    """The work's owner rewrites it, deletes it or hands it over."""
    owner = _owner(stage, work)
    if owner is None:
        return
    if kind == "give":
        receiver = names[(names.index(owner) + 1) % len(names)]
        if receiver == owner:
            return
        stage.do(owner, Transfer(receiver, artifact=work))
    else:
        stage.do(owner, Delete(work) if kind == "delete" else Write(work, "rewritten"))
    oracle.spoil(work)
