"""Random writes and rents of disk: whatever happens, nobody has more on disk than its quota, event by event.

The quota and what each bears are told by the log alone here, and what a rent's end deletes is foretold from them.
"""

from collections import Counter

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ecology.core.clock import MILLISECOND_NS
from ecology.core.outcome import Committed
from ecology.events.economy import RightRented, RightReverted
from ecology.events.records import (
    ArtifactCreated,
    ArtifactDeleted,
    ArtifactUpdated,
    Event,
    HoldClosed,
    HoldOpened,
    OwnershipMoved,
    TransferPosted,
)
from ecology.kernel.actions import Buy, Configure, Delete, List, Transfer, Write
from ecology.kernel.economy.rentals import Rental
from ecology.resources.assets import DISK, SCRIP
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import GRANTS, Stage

AGENTS = ("agent-0001", "agent-0002", "agent-0003")
WHO = st.sampled_from(AGENTS)
THINGS = st.sampled_from([f"thing-{n}" for n in range(12)])
SIZES = st.integers(0, 900)
QUOTA = 2_000


class Borne(msgspec.Struct):
    """An artifact as the log tells of it: who bears how many bytes, written last when."""

    bearer: str
    size_bytes: int
    written: tuple[int, int]
    permanent: bool


class Rents(RuleBasedStateMachine):
    """Three agents with little disk, a dozen things that anybody may write, hand over and delete."""

    @initialize()
    def begin(self) -> None:
        self.stage = Stage.of(len(AGENTS), {**GRANTS, SCRIP: 100_000, DISK: QUOTA})
        for who in AGENTS:
            self.stage.do(who, Configure(accepts_from=["*"]))
        self.borne: dict[str, Borne] = {}
        self.quota: Counter[str] = Counter()
        self.holds: dict[int, HoldOpened] = {}
        self.ending: list[Rental] = []
        self._follow(born=True)

    def used(self, who: str) -> int:
        return sum(it.size_bytes for it in self.borne.values() if it.bearer == who)

    def _follow(self, born: bool = False) -> None:
        """Read what happened; after each event everybody is within its quota."""
        for event in self.stage.events():
            self._read(event)
            for who in AGENTS if not born else ():
                assert self.used(who) <= self.quota[who], event

    def _read(self, event: Event) -> None:
        match event:
            case ArtifactCreated() | ArtifactUpdated():
                before = self.borne.get(event.artifact_id)
                sequence = event.sequence if before is None else before.written[1]
                bearer = event.principal_id or event.artifact_id
                permanent = event.standing or event.artifact_type == "agent"
                self.borne[event.artifact_id] = Borne(
                    bearer, event.size_bytes, (event.time_ns, sequence), permanent
                )
            case OwnershipMoved():
                moved = self.borne[event.artifact_id]
                moved.bearer, moved.written = event.to_id, (event.time_ns, moved.written[1])
            case ArtifactDeleted():
                if event.principal_id is None:
                    self._expect_cleared(event)
                assert self.borne.pop(event.artifact_id).size_bytes == event.freed_bytes
            case TransferPosted(asset="disk"):
                self.quota[event.from_id] -= event.amount
                self.quota[event.to_id] += event.amount
            case HoldOpened(asset="disk"):
                self.holds[event.transfer_id] = event
                self.quota[event.from_id] -= event.amount
            case HoldClosed() if event.transfer_id in self.holds:
                hold = self.holds.pop(event.transfer_id)
                self.quota[hold.from_id] += hold.amount
            case RightRented():
                self.quota[event.tenant_id] += event.amount
            case RightReverted():
                self.quota[event.tenant_id] -= event.amount
                assert self.ending.pop(0).id == event.rental_id
            case _:
                pass

    def _expect_cleared(self, event: ArtifactDeleted) -> None:
        """What goes is what the tenant wrote last, and only while it would be over its quota without the rent."""
        rental = self.ending[0]
        pile = [
            (it.written, name)
            for name, it in self.borne.items()
            if it.bearer == rental.tenant and it.size_bytes and not it.permanent
        ]
        assert event.artifact_id == max(pile)[1]
        assert self.used(rental.tenant) > self.quota[rental.tenant] - rental.amount

    @rule(who=WHO, thing=THINGS, size=SIZES, standing=st.integers(0, 9))
    def write(self, who: str, thing: str, size: int, standing: int) -> None:
        self.stage.act(who, Write(thing, "x" * size, contract="public", standing=standing == 0))
        self._follow()

    @rule(owner=WHO, who=WHO, many=st.integers(1, 3), amount=st.integers(200, 1_500), standing=st.booleans())
    def rent_and_fill(self, owner: str, who: str, many: int, amount: int, standing: bool) -> None:
        """What renting for storage would be: a rent, and the disk filled to the last byte."""
        self.let(owner, who, amount, 1_000)
        free = self.stage.world.disk_free(self.stage.agent(who))
        for part in range(many if free >= many else 0):
            name = f"fill-{self.stage.world.log.next_sequence}"
            fill = Write(name, "x" * (free // many), contract="public", standing=standing and not part)
            self.stage.act(who, fill)
        self._follow()

    @rule(who=WHO, thing=THINGS)
    def delete(self, who: str, thing: str) -> None:
        self.stage.act(who, Delete(thing))
        self._follow()

    @rule(who=WHO, thing=THINGS, to=WHO)
    def hand_over(self, who: str, thing: str, to: str) -> None:
        self.stage.act(who, Transfer(to, artifact=thing))
        self._follow()

    @rule(who=WHO, to=WHO, amount=st.integers(1, 900))
    def give_disk(self, who: str, to: str, amount: int) -> None:
        self.stage.act(who, Transfer(to, amount, DISK))
        self._follow()

    @rule(who=WHO, to=WHO, amount=st.integers(1, 1_500), rent_ms=st.integers(1_000, 6_000))
    def let(self, who: str, to: str, amount: int, rent_ms: int) -> None:
        outcome = self.stage.act(who, List(1, asset=DISK, amount=amount, rent_ms=rent_ms))
        if isinstance(outcome, Committed):
            self.stage.act(to, Buy(str(outcome.data["listing"])))
        self._follow()

    @rule(who=WHO, to=WHO, thing=THINGS)
    def sell(self, who: str, to: str, thing: str) -> None:
        outcome = self.stage.act(who, List(1, artifact=thing))
        if isinstance(outcome, Committed):
            self.stage.act(to, Buy(str(outcome.data["listing"])))
        self._follow()

    @rule(span_ms=st.integers(1, 4_000))
    def wait(self, span_ms: int) -> None:
        end_ns = self.stage.now_ns + span_ms * MILLISECOND_NS
        self.ending = self.stage.world.rentals.ended(end_ns)
        self.stage.pass_time(span_ms * MILLISECOND_NS)
        self._follow()
        assert not self.ending

    @invariant()
    def all_is_in_order(self) -> None:
        world = self.stage.world
        assert broken_laws(world) == []
        for who in AGENTS:
            assert world.disk_free(world.agents[who]) == self.quota[who] - self.used(who)


TestRents = Rents.TestCase
TestRents.settings = settings(max_examples=40, stateful_step_count=40)
