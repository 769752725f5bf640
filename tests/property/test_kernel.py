"""The whole kernel under random deeds of random agents, on a real database, reloaded now and then.

After each deed every law holds. Beside the live world a second one, loaded from the last commit, does the same deeds
and must come to the same outcomes: that is what makes a run resumable.
"""

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ecology.core.clock import MILLISECOND_NS
from ecology.core.outcome import Refused
from ecology.events.subscriptions import EventFilter, Predicate
from ecology.kernel.actions import (
    NAME_OF,
    Action,
    AgentConfig,
    Configure,
    Delete,
    Edit,
    Message,
    Noop,
    Query,
    Read,
    Sleep,
    Spawn,
    StatePredicate,
    Subscribe,
    Transfer,
    Unsubscribe,
    Write,
)
from ecology.resources.assets import ASSETS, DISK
from ecology.testing.worlds import STRATEGIES
from tests.support.double import CHILDREN, CONTRACTS, NAMES, Double
from tests.support.refusing import reasons_of

AGENTS = st.sampled_from([*NAMES, *CHILDREN])
THINGS = st.sampled_from(["a", "b", "c", "d", "a", "b", "nothing"]) | AGENTS
UNDER = st.none() | st.sampled_from([*CONTRACTS, "public", "self_owned"])
TITLES = st.lists(st.sampled_from(["red", "hammer", "saw", "é"]), max_size=3).map(" ".join)
TEXTS = st.text("ab é", max_size=8) | st.integers(0, 1_500).map(lambda size: "x" * size)
TYPES = st.sampled_from(["text", "tool", "bread"])
SPANS_MS = st.integers(1, 30_000)

WHERE = st.lists(
    st.builds(Predicate, st.just("principal_id"), st.sampled_from(["eq", "ne"]), AGENTS)
    | st.builds(Predicate, st.just("principal_id"), st.just("in"), st.lists(AGENTS, max_size=2))
    | st.builds(Predicate, st.just("time_ns"), st.just("exists"), st.just(True)),
    max_size=2,
)
EVENT_TYPES = st.sampled_from(
    [
        "agent.state",
        "artifact.created",
        "artifact.updated",
        "artifact.deleted",
        "artifact.owner",
        "transfer.posted",
    ]
)
FILTERS = st.builds(EventFilter, EVENT_TYPES, WHERE)
CONDITIONS = st.builds(
    StatePredicate,
    st.sampled_from(["scrip", "disk_free", "llm_tokens", "llm_budget", "inbox"]),
    st.sampled_from(["ge", "le"]),
    st.integers(0, 30) | st.integers(0, 3_000),
)
CONFIGS = st.builds(
    AgentConfig,
    st.sampled_from(STRATEGIES),
    prompt=st.sampled_from(["", "x" * 50]),
    traits=st.dictionaries(st.sampled_from(["b", "a"]), st.integers(-5, 5)),
    accepts_from=st.lists(AGENTS | st.just("*"), max_size=2),
)
FACTORS = st.sampled_from([1, 500_000, 1_000_000, 2_000_000, 10**12]) | st.integers(1, 10**8)
AMOUNTS = st.integers(1, 20) | st.integers(1, 3_000) | st.sampled_from([0, 2**63 - 1, 2**63])
ENDOWMENTS = st.dictionaries(st.sampled_from(ASSETS), st.integers(1, 200)).map(
    lambda some: {**some, DISK: 150}
)

ACTIONS: st.SearchStrategy[Action] = st.one_of(
    st.just(Noop()),
    st.builds(Read, THINGS, st.integers(0, 3)),
    st.builds(
        Write,
        THINGS,
        TEXTS,
        TYPES,
        title=TITLES,
        contract=UNDER,
        depends_on=st.lists(st.sampled_from(["a", "b"]), max_size=2),
        metadata=st.none() | st.dictionaries(st.sampled_from(["z", "k"]), TITLES, max_size=2),
        interface=st.none() | st.just({"z": [1, None], "a": {}}),
    ),
    st.builds(
        Write, st.sampled_from(["e", "f"]), st.sampled_from(["{}", "[1]"]), TYPES, st.just("json"), TITLES
    ),
    st.builds(Write, AGENTS, CONFIGS.map(lambda config: msgspec.json.encode(config).decode())),
    st.builds(
        Edit,
        THINGS,
        st.sampled_from(["agent", "made", "0001", "maker", "trader"]),
        st.sampled_from(["", "bb", "trader"]),
    ),
    st.builds(Delete, THINGS),
    st.builds(Transfer, AGENTS, AMOUNTS, st.sampled_from(ASSETS)),
    st.builds(Transfer, AGENTS, artifact=THINGS),
    st.builds(Sleep, SPANS_MS, st.none() | FILTERS, st.none() | CONDITIONS),
    st.builds(Subscribe, EVENT_TYPES, WHERE),
    st.builds(Unsubscribe, st.builds("{}#{}".format, AGENTS, st.integers(0, 12))),
    st.builds(Message, AGENTS, st.text(max_size=5)),
    st.builds(Query, st.sampled_from(["artifacts", "principals", "self", "subscriptions", "world"])),
    st.builds(
        Query, st.just("artifacts"), st.fixed_dictionaries({"words": TITLES, "limit": st.integers(1, 2)})
    ),
    st.builds(
        Spawn,
        st.sampled_from(["child-1", "child-2"]),
        CONFIGS,
        ENDOWMENTS,
        st.sampled_from([*CONTRACTS, "self_owned"]),
    ),
    st.builds(
        Configure,
        st.none() | st.sampled_from(STRATEGIES),
        traits=st.none() | st.just({"z": 1, "a": 2}),
        accepts_from=st.none() | st.just(["*"]),
    ),
)


class KernelMachine(RuleBasedStateMachine):
    """Agents do things; time passes; the world is committed, loaded again, and goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.world: Double

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.world = Double(seed)

    @rule(deeds=st.lists(st.tuples(AGENTS, ACTIONS), min_size=1, max_size=20))
    def act(self, deeds: list[tuple[str, Action]]) -> None:
        for who, action in deeds:
            outcome = self.world.act(who, action)
            if isinstance(outcome, Refused):
                assert outcome.reason in reasons_of(NAME_OF[type(action)]), (action, outcome)
            self.world.check()

    @rule(span_ms=SPANS_MS | st.integers(0, 5))
    def pass_time(self, span_ms: int) -> None:
        self.world.pass_time(span_ms * MILLISECOND_NS)

    @rule(who=AGENTS, part=st.integers(1, 20))
    def think(self, who: str, part: int) -> None:
        self.world.think(who, part)

    @rule(ppm=FACTORS)
    def set_flow(self, ppm: int) -> None:
        self.world.set_flow(ppm)

    @rule()
    def commit(self) -> None:
        self.world.commit()

    @rule()
    def crash(self) -> None:
        self.world.crash()

    @invariant()
    def the_laws_hold(self) -> None:
        self.world.check()


KernelMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=20)
TestKernel = KernelMachine.TestCase
