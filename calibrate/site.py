"""Where agents are put to work and measured: a fresh container each time, one that runs already, or right here."""

from typing import Protocol

import msgspec

from calibrate.reading import Sampler
from calibrate.record import Place
from calibrate.workload import Workload


class Job(msgspec.Struct, frozen=True):
    """What is asked of a workload when it begins: so many agents, at that rate, whose thoughts take that long."""

    agents: int
    rate_millitokens_per_s: int
    thought_s: float = 0.0


class Crew(Protocol):
    """A workload at work, and the sampler that watches the container in which it works."""

    @property
    def workload(self) -> Workload:
        """The agents at work."""

    @property
    def sampler(self) -> Sampler:
        """What the container uses."""

    async def close(self) -> None:
        """End the work and leave nothing behind; may be called twice."""


class Site(Protocol):
    """A place where one workload at a time can be made to work."""

    place: Place

    async def begin(self, job: Job) -> Crew:
        """Put agents to work; returns when their world lives. Raises a `CalibrationFault` when it cannot be done.

        Cancelled, it leaves nothing behind either.
        """
