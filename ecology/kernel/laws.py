"""The numbers that a scenario may set for its kernel: when the mint resolves, what code may use."""

import msgspec

from ecology.sandbox.cost import CodeCosts
from ecology.sandbox.outcome import Limits

SECOND_NS = 1_000_000_000


class MintLaw(msgspec.Struct, frozen=True):
    """The mint resolves first at `first_ns`, then every `every_ns`; `slots` 0 means that there is no mint.

    The `slots` highest bids win and pay the highest losing bid, or `minimum` if there is none. A score of 0 to 100 is
    worth `score // divisor` of new scrip.
    """

    first_ns: int = 20 * SECOND_NS
    every_ns: int = 60 * SECOND_NS
    slots: int = 1
    minimum: int = 1
    divisor: int = 10


class CodeLaw(msgspec.Struct, frozen=True):
    """What code may use: `limits` of each run, its CPU by `costs`, at most `max_depth` runs inside one another.

    A contract keeps at most `state_bytes` about an artifact. `programs` are kept compiled.
    """

    limits: Limits = Limits()
    costs: CodeCosts = CodeCosts()
    max_depth: int = 6
    state_bytes: int = 4_096
    programs: int = 1_024


class Laws(msgspec.Struct, frozen=True):
    """What differs between worlds besides who lives in them and what they have."""

    mint: MintLaw = MintLaw()
    code: CodeLaw = CodeLaw()
