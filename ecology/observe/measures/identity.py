"""Which run it was, as its first and last events say."""

import msgspec

from ecology.core.errors import RunFault
from ecology.events.records import SCHEMA_VERSION, RunEnded, RunStarted
from ecology.observe.measures.fold import Fold


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """`agents` is their number at the start; `outcome` is why the run ended, or "unfinished"."""

    scenario: str
    scenario_sha256: str
    seed: int
    agents: int
    clock: str
    outcome: str


class IdentityReader:
    """Keeps the first `run.started` and the latest `run.ended`."""

    def __init__(self, fold: Fold) -> None:
        self._started: RunStarted | None = None
        self._outcome = "unfinished"
        fold.on(RunStarted, self._begin)
        fold.on(RunEnded, self._end)

    def result(self) -> Identity:
        """The run's identity; raises `RunFault` if the history has no beginning."""
        started = self._started
        if started is None:
            raise RunFault("the event log does not begin with run.started", remedy="give the whole log")
        return Identity(
            scenario=started.scenario,
            scenario_sha256=started.scenario_sha256,
            seed=started.seed,
            agents=started.agents,
            clock=started.clock,
            outcome=self._outcome,
        )

    def _begin(self, event: RunStarted) -> None:
        if event.schema_version != SCHEMA_VERSION:
            raise RunFault(
                f"the event log has schema {event.schema_version}, this version reads {SCHEMA_VERSION}",
                remedy="read it with the version that wrote it",
            )
        if self._started is None:
            self._started = event

    def _end(self, event: RunEnded) -> None:
        self._outcome = event.reason
