"""What `ecology calibrate` has left here, and where it could measure."""

from collections.abc import Mapping
from pathlib import Path

from calibrate.errors import EngineDenied, EngineMissing
from calibrate.profiles.profile import Profile
from calibrate.samplers.limits import detect
from ecology.app import capacity_profile
from ecology.app.checks.finding import Finding, failed, ok, warning
from ecology.core.errors import UsageError

CALIBRATE = "ecology calibrate"


def profile(folder: Path) -> Finding:
    """The capacity profile of a folder, and whether it was measured in such a container as this."""
    path = capacity_profile.default(folder)
    if path is None:
        return ok(
            "profile",
            f"no {capacity_profile.DEFAULT} in {folder}: agents have the rates of their scenario",
            f"to give them what this container sustains: {CALIBRATE}",
        )
    try:
        found = capacity_profile.read(path)
    except UsageError as fault:
        return failed("profile", fault.what, fault.remedy or f"make another with: {CALIBRATE}")
    here = detect()
    if not capacity_profile.fits(found, here):
        return warning(
            "profile",
            f"{_essentials(path, found)}; this container is {capacity_profile.size(here)}:"
            " its figures would be predicted",
            f"calibrate here to be sure: {CALIBRATE}",
        )
    return ok("profile", _essentials(path, found))


def _essentials(path: Path, found: Profile) -> str:
    measured_in = capacity_profile.size(capacity_profile.measured_in(found))
    return (
        f"{path}: {found.rate.tokens_per_s:.3g} tokens/s for each of {found.rate.agents} agents,"
        f" {found.thinking_at_once} may think at once, measured {found.made[:10]} in {measured_in}"
    )


async def engine(environment: Mapping[str, str], timeout_s: float) -> Finding:
    """Whether there is a Docker engine in whose containers we could calibrate; nothing else here needs one."""
    # It takes a third of a second to load.
    from calibrate.docker.engine import connect  # noqa: PLC0415

    try:
        async with connect(environment=environment, answers_within_s=timeout_s) as docker:
            return ok("engine", f"Docker engine {docker.host.engine_version} at {docker.address} answers")
    except EngineDenied as fault:
        return warning("engine", fault.what, fault.remedy)
    except EngineMissing as fault:
        return ok(
            "engine", f"no Docker engine: {CALIBRATE} measures what this process may use ({fault.what})"
        )
