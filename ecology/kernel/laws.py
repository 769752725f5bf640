"""The numbers that a scenario may set for its kernel: when the mint resolves, what code may use."""

import msgspec

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


class Laws(msgspec.Struct, frozen=True):
    """What differs between worlds besides who lives in them and what they have."""

    mint: MintLaw = MintLaw()
