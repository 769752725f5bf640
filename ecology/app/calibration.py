"""`ecology calibrate`: put agents to work where it was asked for, find their rate, and write down what was seen.

Whatever ends a calibration once a sample was taken, its record and its report are written. A profile goes where runs
look for it only if the rate held; one that did not hold lies beside its record.
"""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import msgspec

from calibrate.control import Controller, Target
from calibrate.controllers.classic import Classic
from calibrate.controllers.survey import Survey
from calibrate.course import Watch
from calibrate.errors import CalibrationFault, CallFault
from calibrate.profiles.file import write as write_profile
from calibrate.profiles.file import write_whole
from calibrate.profiles.outcome import profile_of
from calibrate.profiles.profile import Profile
from calibrate.record import Place, Record
from calibrate.record import encode as encode_record
from calibrate.session import Plan, Session
from calibrate.site import Site
from ecology import scenarios
from ecology.app import assembly, scorers
from ecology.app.interruption import Interruption
from ecology.app.sites import Request, Talk, site
from ecology.core.clock import utc_stamp
from ecology.core.errors import EcologyError, RunFault, UsageError
from ecology.core.limits import MAX_AGENTS
from ecology.observe.calibration.page import write_page
from ecology.scenarios import Scenario

STRESS = "stress"
METHODS: dict[str, Callable[[Target], Controller[Any]]] = {"model": Survey, "classic": Classic}
PROBED_TIMES = (1, 8)
"""How many times as many agents as were calibrated think at once in the two probes of the memory."""

MOST_PROBED = 2_000
"""More agents than that thinking at once say nothing that fewer would not."""


class Wish(msgspec.Struct, frozen=True):
    """How to calibrate: with whom, by which method, for how long, and where the outcome goes."""

    scenario: str = STRESS
    overrides: tuple[str, ...] = ()
    agents: int | None = None
    method: str = "model"
    compare: bool = False
    hold_out_s: float = 120.0
    thought_s: float = 0.0
    profile: Path = Path("capacity.yaml")
    folder: Path = Path("calibrations")


class Result(msgspec.Struct, frozen=True):
    """What came of it and where it lies; `profile` is None where no rate was found and tried."""

    record: Record
    profile: Profile | None
    files: dict[str, Path]
    interrupted: bool = False


class Teller(Watch, Talk, Protocol):
    """Who is told how a calibration goes on."""

    def expect(self, later_s: Sequence[float]) -> None:
        """How many seconds each course takes that follows the first, in their order."""


async def carry_out(wish: Wish, request: Request, environ: Mapping[str, str], teller: Teller) -> Result:
    """A calibration from beginning to end.

    Raises UsageError for a wrong call, before anything is started, and RunFault when nothing could be measured or what
    was measured broke down; then record and report say what was seen until then, if anything was.
    """
    of = _mix(wish, environ)
    scenario = of(wish.agents)
    assembly.require_minds(scenario)
    scorers.require(scenario)
    _require_reachable(scenario, request)
    _require_writable(wish.profile)
    plan = _plan(wish, scenario)
    folder = _folder(wish)
    name = f"{folder.name.lower()}-{os.getpid()}"
    seen: _Seen | None = None
    fault: CalibrationFault | None = None
    with Interruption() as interruption:
        try:
            async with site(request, lambda agents: scenarios.dump(of(agents)), environ, name, teller) as at:
                seen = _Seen(at.place, plan, _session(wish, plan, at, teller))
                await seen.session.run()
        except CalibrationFault as broken:
            fault = broken
        except asyncio.CancelledError:
            if not interruption.requested:
                raise
        finally:
            if seen is None or not any(course.steps for course in seen.session.courses):
                seen = None
                folder.rmdir()
    if seen is None:
        if fault is not None:
            raise ours(fault) from fault
        raise KeyboardInterrupt
    record = seen.record(_iso(folder.name[:16]), scenario, fault)
    found = seen.session.outcome.settled is not None
    result = _write(record, wish, folder, scenario, found=found, interrupted=interruption.requested)
    if fault is not None:
        teller.say(f"what was seen until then: {result.files['report']}")
        raise ours(fault) from fault
    return result


class _Seen(msgspec.Struct, frozen=True):
    """What there is to write down, at any moment."""

    place: Place
    plan: Plan
    session: Session

    def record(self, made: str, scenario: Scenario, fault: CalibrationFault | None) -> Record:
        """The record of everything until now."""
        outcome = self.session.outcome
        return Record(
            made=made,
            software=version("agent-ecology"),
            place=self.place,
            mix=scenario.name,
            agents=self.plan.agents,
            target=self.plan.target,
            courses=self.session.courses,
            verdict=outcome.line if fault is None else fault.what,
            passed=outcome.passed,
        )


def ours(fault: CalibrationFault) -> EcologyError:
    """A fault of the calibration in the words and with the exit code of the command line."""
    kind = UsageError if isinstance(fault, CallFault) else RunFault
    return kind(fault.what, remedy=fault.remedy)


def _mix(wish: Wish, environ: Mapping[str, str]) -> Callable[[int | None], Scenario]:
    """The scenario whose agents work, with any number of them. Raises ScenarioError.

    Nothing but the container binds them: how many of them may think at once is what the calibration finds out.
    """

    def of(agents: int | None) -> Scenario:
        return scenarios.load(
            wish.scenario,
            overrides=wish.overrides,
            environ=environ,
            flags={"agents": agents, "clock": "real", "thought.at_once": MAX_AGENTS},
            strategies=assembly.strategies(),
        )

    return of


def _require_reachable(scenario: Scenario, request: Request) -> None:
    """Raises UsageError for a model that a container without a network would ask."""
    if scenario.model.url is not None and scenario.policy == "llm" and not (request.own or request.container):
        raise UsageError(
            f"a container of its own has no network, and {scenario.name} asks the model at {scenario.model.url}",
            remedy="measure with --own or in a --container that can reach it, or leave model.url out",
        )


def _require_writable(profile: Path) -> None:
    """Raises UsageError for a profile that could not be written in the end."""
    if profile.name and profile.parent.is_dir() and os.access(profile.parent, os.W_OK):
        return
    raise UsageError(
        f"--profile {profile}: cannot be written there", remedy="name a file in a folder of yours"
    )


def _plan(wish: Wish, scenario: Scenario) -> Plan:
    """What will be done. Memory is probed where agents think with a model; those that do not hold none meanwhile."""
    thinks = scenario.policy == "llm" and scenario.model.url is None
    probed = sorted({min(scenario.agents * times, MOST_PROBED) for times in PROBED_TIMES}) if thinks else ()
    return Plan(
        agents=scenario.agents,
        thought_s=wish.thought_s,
        hold_out_s=wish.hold_out_s,
        probe_agents=tuple(probed),
    )


def _session(wish: Wish, plan: Plan, at: Site, teller: Teller) -> Session:
    method = METHODS[wish.method](plan.target)
    rival = None
    if wish.compare:
        other = next(name for name in METHODS if name != wish.method)
        rival = METHODS[other](plan.target)
    compared_s = 0.0 if rival is None else rival.remaining_s(rival.begin())
    teller.expect([*plan.later_s, compared_s])
    return Session(at, plan, teller, method, rival)


def _folder(wish: Wish) -> Path:
    """A new folder for record and report; it is made now, for a calibration that cannot be kept need not begin."""
    try:
        wish.folder.mkdir(parents=True, exist_ok=True)
        stamp, number = utc_stamp(), 1
        while True:
            path = wish.folder / (stamp if number == 1 else f"{stamp}-{number}")
            try:
                path.mkdir()
            except FileExistsError:
                number += 1
            else:
                return path
    except OSError as error:
        raise UsageError(
            f"cannot make a folder in {wish.folder} ({error.strerror})", remedy="name another with --out"
        ) from error


def _write(
    record: Record, wish: Wish, folder: Path, scenario: Scenario, *, found: bool, interrupted: bool
) -> Result:
    """Record, report and profile; raises RunFault, and what was written until then stays.

    A rate that was found and did not hold makes a profile too, beside the record: one that held goes where it is used.
    """
    files = {"record": folder / "record.json", "report": folder / "report.html"}
    try:
        write_whole(files["record"], encode_record(record))
        profile = None
        try:
            if found:
                profile = profile_of(record, scenario.costs().worst_millitokens / 1000)
        finally:  # a record of which no profile can be made still has its report
            write_page(files["report"], record, profile)
        if profile is not None:
            files["profile"] = wish.profile if record.passed else folder / wish.profile.name
            write_profile(files["profile"], profile)
    except CalibrationFault as fault:
        raise ours(fault) from fault
    return Result(record, profile, files, interrupted)


def _iso(stamp: str) -> str:
    """`20260131T235959Z` with its punctuation."""
    return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:11]}:{stamp[11:13]}:{stamp[13:]}"
