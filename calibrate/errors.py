"""What can go wrong while something is calibrated: one line for the person at the terminal, and how to mend it."""


class CalibrationFault(Exception):
    """Calibration cannot go on; `what` says why in one line and `remedy` how to mend it, if anything can."""

    def __init__(self, what: str, *, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


class CallFault(CalibrationFault):
    """The call was wrong: nothing was started."""


class EngineMissing(CalibrationFault):
    """There is no Docker engine that answers."""


class EngineDenied(CalibrationFault):
    """There is a Docker engine, and we may not talk to it."""


class ContainerGone(CalibrationFault):
    """The container ended, or was removed, while it was measured."""


class WorkloadEnded(CalibrationFault):
    """The workload ended before it was told to."""


class ProfileFault(CallFault):
    """A capacity profile cannot be used: unreadable, or of another version."""
