"""A log written by hand, one line of test to one event."""

from ecology.core.clock import SECOND_NS
from ecology.core.ids import WORLD
from ecology.events.records import (
    SCHEMA_VERSION,
    ActionTaken,
    AgentSpawned,
    AgentStateChanged,
    ArtifactCreated,
    ArtifactDeleted,
    ArtifactUpdated,
    ModelCalled,
    OwnershipMoved,
    RunEnded,
    RunStarted,
    TransferPosted,
)
from ecology.events.registry import Record


class Log:
    """Collects events; times are given in seconds of world time."""

    def __init__(self) -> None:
        self.events: list[Record] = []

    @property
    def next(self) -> int:
        return len(self.events) + 1

    def start(self, agents: int = 0, schema_version: int = SCHEMA_VERSION, clock: str = "virtual") -> None:
        self.events.append(
            RunStarted(
                sequence=self.next,
                time_ns=0,
                principal_id=None,
                turn_id=None,
                schema_version=schema_version,
                scenario="by-hand",
                scenario_sha256="0" * 64,
                seed=1,
                agents=agents,
                clock=clock,
            )
        )

    def end(self, at: float, reason: str = "completed") -> None:
        self.events.append(
            RunEnded(sequence=self.next, time_ns=ns(at), principal_id=None, turn_id=None, reason=reason)
        )

    def spawn(self, name: str, strategy: str = "maker", at: float = 0) -> None:
        self.events.append(
            AgentSpawned(
                sequence=self.next,
                time_ns=ns(at),
                principal_id=None,
                turn_id=None,
                agent_id=name,
                ordinal=1,
                strategy=strategy,
                parent_id=None,
            )
        )

    def move(self, to: str, amount: int, source: str = WORLD, asset: str = "scrip", at: float = 0) -> None:
        self.events.append(
            TransferPosted(
                sequence=self.next,
                time_ns=ns(at),
                principal_id=None if source == WORLD else source,
                turn_id=None,
                transfer_id=self.next,
                asset=asset,
                from_id=source,
                to_id=to,
                amount=amount,
            )
        )

    def act(
        self,
        who: str,
        action: str = "noop",
        at: float = 0,
        *,
        reason: str | None = None,
        target: str | None = None,
        waited: float = 0,
        waited_on: str | None = None,
        millitokens: int = 0,
        cpu_us: int = 0,
        levels: tuple[int, int] = (0, 0),
        turn: str | None = None,
    ) -> None:
        self.events.append(
            ActionTaken(
                sequence=self.next,
                time_ns=ns(at),
                principal_id=who,
                turn_id=turn,
                action=action,
                outcome="committed" if reason is None else "refused",
                reason=reason,
                target=target,
                llm_millitokens=millitokens,
                cpu_us=cpu_us,
                waited_ns=ns(waited),
                waited_on=waited_on,
                llm_level_millitokens=levels[0],
                cpu_level_us=levels[1],
            )
        )

    def state(self, who: str, state: str, at: float, reason: str = "") -> None:
        self.events.append(
            AgentStateChanged(
                sequence=self.next,
                time_ns=ns(at),
                principal_id=who,
                turn_id=None,
                agent_id=who,
                state=state,
                reason=reason,
            )
        )

    def create(
        self,
        who: str,
        name: str,
        *,
        depends_on: tuple[str, ...] = (),
        size: int = 100,
        kind: str = "text",
        at: float = 0,
    ) -> None:
        self.events.append(
            ArtifactCreated(
                sequence=self.next,
                time_ns=ns(at),
                principal_id=who,
                turn_id=None,
                artifact_id=name,
                artifact_type=kind,
                owner=who,
                contract="freeware",
                revision=1,
                size_bytes=size,
                content_sha256="0" * 64,
                depends_on=depends_on,
            )
        )

    def update(self, who: str, name: str, *, depends_on: tuple[str, ...] = (), size: int = 100) -> None:
        self.events.append(
            ArtifactUpdated(
                sequence=self.next,
                time_ns=0,
                principal_id=who,
                turn_id=None,
                artifact_id=name,
                artifact_type="text",
                owner=who,
                contract="freeware",
                revision=2,
                size_bytes=size,
                content_sha256="0" * 64,
                depends_on=depends_on,
            )
        )

    def delete(self, who: str, name: str) -> None:
        self.events.append(
            ArtifactDeleted(
                sequence=self.next,
                time_ns=0,
                principal_id=who,
                turn_id=None,
                artifact_id=name,
                artifact_type="text",
                owner=who,
                revision=2,
                freed_bytes=0,
            )
        )

    def hand_over(self, giver: str, taker: str, name: str) -> None:
        self.events.append(
            OwnershipMoved(
                sequence=self.next,
                time_ns=0,
                principal_id=giver,
                turn_id=None,
                artifact_id=name,
                from_id=giver,
                to_id=taker,
                revision=2,
                size_bytes=100,
            )
        )

    def call(
        self,
        who: str,
        turn: str,
        *,
        usd: int = 100,
        estimate_usd: int = 150,
        millitokens: int = 3000,
        answer: str = "ok",
    ) -> None:
        self.events.append(
            ModelCalled(
                sequence=self.next,
                time_ns=0,
                principal_id=who,
                turn_id=turn,
                model="m",
                answer=answer,
                input_tokens=10,
                output_tokens=5,
                usd_micros=usd,
                estimate_usd_micros=estimate_usd,
                estimate_millitokens=millitokens,
                latency_ms=200,
            )
        )


def ns(seconds: float) -> int:
    return round(seconds * SECOND_NS)
