"""What every loop of an engine shares, and the rules by which a crashing mind is backed off."""

from collections.abc import Awaitable, Callable

import msgspec

from ecology.core.clock import SECOND_NS, Clock
from ecology.engine.figures import Tally
from ecology.engine.policy import PolicyBook
from ecology.engine.slots import ThinkingSlots
from ecology.engine.thinking import Till
from ecology.kernel.kernel import Kernel
from ecology.kernel.world import World


class Supervision(msgspec.Struct, frozen=True):
    """Back-off of a crashing policy: `first_ns` doubling to `longest_ns`, frozen after `freeze_after` in a row."""

    first_ns: int = 5 * SECOND_NS
    longest_ns: int = 300 * SECOND_NS
    freeze_after: int = 8


class Services(msgspec.Struct, frozen=True):
    """What every loop of an engine shares. `thought_ns` is the virtual clock's model of a slow thought's duration."""

    world: World
    kernel: Kernel
    clock: Clock
    till: Till
    policies: PolicyBook
    slots: ThinkingSlots
    thought_ns: int
    supervision: Supervision
    close_turn: Callable[[], Awaitable[None]]
    durable: Callable[[], Awaitable[None]]
    report_crash: Callable[[str, str], None]
    tally: Tally = msgspec.field(default_factory=Tally)
