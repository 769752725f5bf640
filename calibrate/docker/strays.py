"""What an earlier calibration left on the engine because it was killed: found by labels, removed if nobody owns it."""

import os

import msgspec

from calibrate.docker.containers import remove
from calibrate.docker.engine import Engine, faults

CALIBRATION = "io.agent-ecology.calibration"
CALIBRATOR = "io.agent-ecology.calibrator"
"""`<host>/<process id>` of the process that calibrates."""


class Strays(msgspec.Struct, frozen=True):
    """Names of containers of calibrations that are not ours."""

    removed: tuple[str, ...]
    left: tuple[str, ...]
    """Their process lives, or is on another machine: they may be at work, and would disturb a measurement."""


async def remove_strays(engine: Engine, host: str, own_pid: int) -> Strays:
    """Remove containers whose calibrator was a process of `host` and is no more; name the others but `own_pid`'s."""
    removed, left = [], []
    with faults(engine.address):
        listed = await engine.docker.containers.list(
            all="1", filters=f'{{"label": ["{CALIBRATION}", "{CALIBRATOR}"]}}'
        )
        for each in listed:
            name = each["Names"][0].lstrip("/")
            where, _, pid = each["Labels"][CALIBRATOR].rpartition("/")
            if where != host or not pid.isdecimal() or _lives(int(pid)):
                if (where, pid) != (host, str(own_pid)):
                    left.append(name)
                continue
            await remove(each)
            removed.append(name)
    return Strays(tuple(sorted(removed)), tuple(sorted(left)))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True
