"""What code did: invocations, contracts' checks, failures by fault, the CPU they took, and who lets whom charge it."""

from collections import defaultdict

import msgspec

from ecology.events.economy import CodeRan, DelegationGranted, DelegationRevoked
from ecology.events.records import RunStarted
from ecology.observe.measures.fold import Fold

CHECK = "check"
"""The method by which a contract in code is asked."""


class ServiceMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """Invocations of executables, contracts' checks aside; `failed` ones are not among the `paid`.

    `nested` were called by code, `tools` is how many executables were invoked with success. `paid_scrip` went from
    payers to recipients with the service.
    """

    invocations: int
    failed: int
    nested: int
    paid: int
    paid_scrip: int
    tools: int


class CodeMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """All runs of code, contracts' checks included; `faults` says why those failed, most frequent first.

    `cpu_us` was charged, `modelled_us` the cost model makes of it, `measured_us` the workers took. `estimate_error` is
    that of the model, run by run, relative to what was measured. Both are None where nothing was measured.
    """

    runs: int
    checks: int
    failures: int
    faults: dict[str, int]
    cpu_us: int
    modelled_us: int
    measured_us: int | None
    estimate_error: float | None


class DelegationMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """`in_force` at the end; `charges` are prices that another than the caller paid, `charged_scrip` is their sum."""

    granted: int
    revoked: int
    in_force: int
    charges: int
    charged_scrip: int


def is_invocation(event: CodeRan) -> bool:
    """Whether a method was called for its own sake, not a contract asked for its decision."""
    return event.method != CHECK


class Services:
    """Folds every run of code and every delegation; memory grows with the executables and the delegations in force."""

    def __init__(self, fold: Fold) -> None:
        self._measured = False
        self._invocations = self._failed = self._nested = self._paid = self._paid_scrip = 0
        self._tools: set[str] = set()
        self._runs = self._checks = self._cpu_us = 0
        self._modelled_us = self._estimate_gap_us = 0
        self._faults: defaultdict[str, int] = defaultdict(int)
        self._granted = self._revoked = self._charges = self._charged_scrip = 0
        self._in_force: set[tuple[str | None, str, str]] = set()
        fold.on(RunStarted, self._began)
        fold.on(CodeRan, self._ran)
        fold.on(DelegationGranted, self._grant)
        fold.on(DelegationRevoked, self._revoke)

    def result(self) -> ServiceMeasures:
        """Invocations so far."""
        return ServiceMeasures(
            invocations=self._invocations,
            failed=self._failed,
            nested=self._nested,
            paid=self._paid,
            paid_scrip=self._paid_scrip,
            tools=len(self._tools),
        )

    def code(self) -> CodeMeasures:
        """All runs so far."""
        measured_us = self._cpu_us if self._measured else 0
        return CodeMeasures(
            runs=self._runs,
            checks=self._checks,
            failures=sum(self._faults.values()),
            faults=dict(sorted(self._faults.items(), key=lambda item: (-item[1], item[0]))),
            cpu_us=self._cpu_us,
            modelled_us=self._modelled_us,
            measured_us=measured_us or None,
            estimate_error=self._estimate_gap_us / measured_us if measured_us else None,
        )

    def delegations(self) -> DelegationMeasures:
        """Delegations so far."""
        return DelegationMeasures(
            granted=self._granted,
            revoked=self._revoked,
            in_force=len(self._in_force),
            charges=self._charges,
            charged_scrip=self._charged_scrip,
        )

    def _began(self, event: RunStarted) -> None:
        # Under the virtual clock both numbers are the cost model's, and their difference says nothing.
        self._measured = event.clock != "virtual"

    def _ran(self, event: CodeRan) -> None:
        self._runs += 1
        self._cpu_us += event.cpu_us
        self._modelled_us += event.cpu_estimate_us
        self._estimate_gap_us += abs(event.cpu_us - event.cpu_estimate_us)
        if event.fault is not None:
            self._faults[event.fault] += 1
        elif event.price and event.payer_id != event.principal_id:
            self._charges += 1
            self._charged_scrip += event.price
        if is_invocation(event):
            self._invoked(event)
        else:
            self._checks += 1

    def _invoked(self, event: CodeRan) -> None:
        self._invocations += 1
        if event.depth > 1:
            self._nested += 1
        if event.fault is not None:
            self._failed += 1
            return
        self._tools.add(event.artifact_id)
        if event.price:
            self._paid += 1
            self._paid_scrip += event.price

    def _grant(self, event: DelegationGranted) -> None:
        self._granted += 1
        self._in_force.add((event.principal_id, event.charger_id, event.asset))

    def _revoke(self, event: DelegationRevoked) -> None:
        self._revoked += 1
        self._in_force.discard((event.principal_id, event.charger_id, event.asset))
