"""The lines that a workload and its calibrator speak, whatever carries them: a container's attached pipes or a child's.

To the workload: `{"scenario": "..."}` first, then any number of `{"rate_millitokens_per_s": 12000}`. From it on its
stdout: `{"ready": {...}}` once, then `{"figures": {...}}` twice a second. Its stderr is talk; the end of it is kept.

What a newer workload says beside that is passed over: unknown members, and objects with neither `ready` nor `figures`.
What is no JSON object, a line that does not end and counters that go backwards are faults: anything may follow then.
"""

from collections import deque

import msgspec

from calibrate.errors import WorkloadEnded
from calibrate.workload import Figures

LONGEST_LINE_BYTES = 65_536
TALK_LINES = 20
LONGEST_TALK_CHARACTERS = 300
COUNTERS = (
    "time_ns",
    "turns",
    "millitokens",
    "late_ns",
    "loop_cpu_ns",
    "loop_waited_ns",
    "llm_tokens",
    "code_us",
)


class Ready(msgspec.Struct, frozen=True):
    """The workload's world lives."""

    software: str
    agents: int
    slots: int = 0


class Said(msgspec.Struct, frozen=True):
    """One line of a workload's stdout."""

    ready: Ready | None = None
    figures: Figures | None = None


def opening(scenario: str) -> bytes:
    """The first line: the resolved scenario, as YAML."""
    return msgspec.json.encode({"scenario": scenario}) + b"\n"


def rate(millitokens_per_s: int) -> bytes:
    """The line that gives every agent's bucket this rate."""
    return msgspec.json.encode({"rate_millitokens_per_s": millitokens_per_s}) + b"\n"


class Listener:
    """Takes in the bytes of stdout and stderr as they come and keeps what was said last."""

    def __init__(self) -> None:
        self.ready: Ready | None = None
        self.figures: Figures | None = None
        self._stdout = b""
        self._stderr = b""
        self._talk: deque[str] = deque(maxlen=TALK_LINES)

    def hear(self, data: bytes) -> None:
        """Take in some of stdout. Raises `WorkloadEnded` for what is not of the protocol."""
        *lines, self._stdout = (self._stdout + data).split(b"\n")
        for line in lines:
            if len(line) > LONGEST_LINE_BYTES:
                raise _not_understood(line, f"a line of more than {LONGEST_LINE_BYTES} bytes")
            if line.strip():
                self._understand(line)
        if len(self._stdout) > LONGEST_LINE_BYTES:
            raise _not_understood(self._stdout, f"a line of more than {LONGEST_LINE_BYTES} bytes")

    def overhear(self, data: bytes) -> None:
        """Take in some of stderr."""
        *lines, rest = (self._stderr + data).split(b"\n")
        self._stderr = rest[-LONGEST_LINE_BYTES:]
        self._talk.extend(printable(line) for line in lines if line.strip())

    @property
    def talk(self) -> tuple[str, ...]:
        """The last lines of stderr, printable, oldest first."""
        return (*self._talk, printable(self._stderr)) if self._stderr.strip() else tuple(self._talk)

    def _understand(self, line: bytes) -> None:
        try:
            said = msgspec.json.decode(line, type=Said)
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
            raise _not_understood(line, str(error)) from error
        if said.ready is not None:
            self.ready = said.ready
        if said.figures is not None:
            self._check(line, said.figures)
            self.figures = said.figures

    def _check(self, line: bytes, after: Figures) -> None:
        before = self.figures or Figures(
            time_ns=0,
            agents=1,
            rate_millitokens_per_s=0,
            turns=0,
            millitokens=0,
            late_ns=0,
            loop_cpu_ns=0,
            thinking=0,
            slots=0,
        )
        for counter in COUNTERS:
            if getattr(after, counter) < getattr(before, counter):
                raise _not_understood(line, f"{counter} went backwards")
        if after.agents < 1 or min(after.rate_millitokens_per_s, after.thinking, after.slots) < 0:
            raise _not_understood(line, "no agents, or fewer than none of something")


def printable(line: bytes) -> str:
    """One line of text that a terminal can show, cut short."""
    text = "".join(
        sign if sign.isprintable() else " " for sign in line[:4096].decode("utf-8", "replace")
    ).strip()
    return text if len(text) <= LONGEST_TALK_CHARACTERS else text[: LONGEST_TALK_CHARACTERS - 1] + "…"


def _not_understood(line: bytes, why: str) -> WorkloadEnded:
    shown = printable(line[:80])
    return WorkloadEnded(
        f"the workload said something that is not of its protocol ({printable(why.encode())}): {shown}",
        remedy="use an image of the same version of agent-ecology as the command",
    )
