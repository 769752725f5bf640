"""`ecology calibrate`: put agents to work where it was asked for, find their rate, and write down what was seen.

Whatever ends a calibration once a sample was taken, its record and its report are written; a profile only where a rate
was found and held.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import msgspec

from calibrate.classic import Classic
from calibrate.control import Controller, Target
from calibrate.course import Watch
from calibrate.errors import CalibrationFault, CallFault
from calibrate.outcome import profile_of
from calibrate.profile import Profile
from calibrate.profile_file import write as write_profile
from calibrate.record import Place, Record
from calibrate.record import encode as encode_record
from calibrate.session import Outcome, Plan, Session
from calibrate.survey import Survey
from ecology import scenarios
from ecology.app import assembly, scorers
from ecology.app.interruption import Interruption
from ecology.app.sites import Request, site
from ecology.core.clock import utc_stamp
from ecology.core.errors import EcologyError, RunFault, UsageError
from ecology.core.limits import MAX_AGENTS
from ecology.observe.calibration.page import write_page
from ecology.scenarios import Scenario

STRESS = "stress"
METHODS: dict[str, Callable[[Target], Controller[Any]]] = {"model": Survey, "classic": Classic}
PROBED_TIMES = (1, 8)
"""How many times as many agents as were calibrated think at once in the two probes of the memory."""

WORST_THOUGHTS = 2
"""A bucket must hold so many thoughts at their worst for its owner to think again while one is under way."""


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
    """What came of it and where it lies; `profile` is None where nothing was found that a world could be run by."""

    record: Record
    profile: Profile | None
    files: dict[str, Path]
    interrupted: bool = False


class Teller(Watch, Protocol):
    """Who is told how a calibration goes on."""

    def say(self, line: str) -> None:
        """A remark for a person."""

    def expect(self, later_s: Mapping[str, float]) -> None:
        """How many seconds follow a course of each purpose."""


async def carry_out(wish: Wish, request: Request, environ: Mapping[str, str], teller: Teller) -> Result:
    """A calibration from beginning to end.

    Raises UsageError for a wrong call, before anything is started, and RunFault when nothing could be measured or what
    was measured broke down; then record and report say what was seen until then, if anything was.
    """
    of = _mix(wish, environ)
    scenario = of(wish.agents)
    assembly.require_minds(scenario)
    scorers.require(scenario)
    folder = _folder(wish)
    name = f"{folder.name.lower()}-{os.getpid()}"
    plan = _plan(wish, scenario)
    session: Session | None = None
    place: Place | None = None
    fault: CalibrationFault | None = None
    outcome = Outcome("interrupted before it was over", passed=False)
    with Interruption() as interruption:
        try:
            async with site(
                request, lambda agents: scenarios.dump(of(agents)), environ, name, teller.say
            ) as at:
                place = at.place
                session = _session(wish, plan, at, teller)
                outcome = await session.run()
        except CalibrationFault as broken:
            fault, outcome = broken, Outcome(broken.what, passed=False)
        except asyncio.CancelledError:
            if not interruption.requested:
                raise
    if session is None or place is None or not any(course.steps for course in session.courses):
        _remove_empty(folder)
        if fault is not None:
            raise ours(fault) from fault
        raise KeyboardInterrupt
    record = Record(
        made=_iso(folder.name[:16]),
        software=version("agent-ecology"),
        place=place,
        mix=scenario.name,
        agents=plan.agents,
        target=plan.target,
        courses=session.courses,
        verdict=outcome.line,
        passed=outcome.passed,
    )
    result = _write(record, wish, folder, scenario, interrupted=interruption.requested)
    if fault is not None:
        teller.say(f"what was seen until then: {result.files['report']}")
        raise ours(fault) from fault
    return result


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


def _plan(wish: Wish, scenario: Scenario) -> Plan:
    """What will be done. Memory is probed where agents think with a model; those that do not hold none meanwhile."""
    thinks = scenario.policy == "llm" and scenario.model.url is None
    probed = tuple(scenario.agents * times for times in PROBED_TIMES) if thinks else ()
    return Plan(
        agents=scenario.agents, thought_s=wish.thought_s, hold_out_s=wish.hold_out_s, probe_agents=probed
    )


def _session(wish: Wish, plan: Plan, at: Any, teller: Teller) -> Session:  # noqa: ANN401
    method = METHODS[wish.method](plan.target)
    rival = None
    if wish.compare:
        other = next(name for name in METHODS if name != wish.method)
        rival = METHODS[other](plan.target)
    compared_s = 0.0 if rival is None else rival.remaining_s(rival.begin())
    later_s = plan.later_s + compared_s
    teller.expect({"settle": later_s, "hold-out": later_s - plan.hold_out_s, "probe": compared_s})
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


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError as error:
        raise RunFault(f"cannot remove {folder} ({error.strerror})") from error


def _write(record: Record, wish: Wish, folder: Path, scenario: Scenario, *, interrupted: bool) -> Result:
    """Record, report and, where the rate held, the profile. Raises RunFault."""
    files = {"record": folder / "record.json", "report": folder / "report.html"}
    profile = None
    try:
        files["record"].write_bytes(encode_record(record))
        if record.passed:
            profile = profile_of(record, scenario.costs().worst_millitokens / 1000)
        write_page(files["report"], record, profile)
        if profile is not None:
            write_profile(wish.profile, profile)
            files["profile"] = wish.profile
    except CalibrationFault as fault:
        raise ours(fault) from fault
    except OSError as error:
        raise RunFault(
            f"cannot write {error.filename} ({error.strerror})", remedy="free some space"
        ) from error
    return Result(record, profile, files, interrupted)


def _iso(stamp: str) -> str:
    """`20260131T235959Z` with its punctuation."""
    return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:11]}:{stamp[11:13]}:{stamp[13:]}"
