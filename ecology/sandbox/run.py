"""The sandbox: worker processes, and one method of one program run in a fresh session of one of them.

Nothing survives from one run to the next. A run blocks its caller; a host's function may run another program in the
meantime, which takes another worker. One thread at a time uses a sandbox.
"""

import contextlib
import os
import signal
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Self

import pydantic_monty as monty

from ecology.core.clock import process_cpu_ns
from ecology.core.errors import RunFault
from ecology.sandbox.doors import Doors, Function
from ecology.sandbox.ending import Ending, ending_of
from ecology.sandbox.frame import AFTERMATH, ARGUMENTS, CALL, MOST, STEPS, Frame
from ecology.sandbox.outcome import CodeFault, Fault, Limits, Ran, Refusal, Use, one_line
from ecology.sandbox.program import Program
from ecology.sandbox.values import NotJson, json_size, plain

__all__ = ["CodeFault", "Fault", "Function", "Limits", "Ran", "Refusal", "Sandbox", "Use"]

NO_FUNCTIONS: Mapping[str, Function] = MappingProxyType({})
NO_CONSTANTS: Mapping[str, object] = MappingProxyType({})
DEFAULTS = Limits()

SPARE_SUSPENSIONS = 64
"""How often code may look up a name that nobody defined (and catch that): each asks the host."""

GRACE_S = 1.0
"""Seconds past the wall guard after which a worker that does not answer is killed."""

PATIENCE_S = 60.0
"""Seconds to wait for a free worker before saying that there are too few."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
