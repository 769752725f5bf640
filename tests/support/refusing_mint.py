"""The part of the table of refusals that is about the mint."""

from ecology.kernel import refusals as why
from ecology.kernel.actions import Action, Bid
from ecology.resources.assets import SCRIP
from ecology.testing.worlds import GRANTS
from tests.support.scene import CHILD, GONE, HALF_A_PAIR, LARGE_WARE, ME, MINE, OTHER, PUBLIC, SUBMITTED, WARD

REFUSED_AT_THE_MINT: dict[str, dict[str, list[Action]]] = {
    "bid": {
        why.AMOUNT_INVALID: [Bid(MINE, amount) for amount in (0, -1, 2**63, 2**70, -(2**70))],
        why.NOT_FOUND: [Bid(name, 1) for name in ("nothing", "", "x" * 5_000, HALF_A_PAIR)],
        why.DELETED: [Bid(GONE, 1)],
        why.IS_PRINCIPAL: [Bid(name, 1) for name in (ME, OTHER, CHILD, WARD)],
        why.NOT_PERMITTED: [Bid(PUBLIC, 1), Bid(LARGE_WARE, 1)],
        why.ALREADY_BID: [Bid(SUBMITTED, 1), Bid(SUBMITTED, 2)],
        why.INSUFFICIENT: [Bid(MINE, GRANTS[SCRIP]), Bid(MINE, 2**63 - 1)],
    },
}
"""What ME is refused in the scene, by action and reason."""

MINT_LADDERS: dict[str, list[tuple[str, Action]]] = {
    "bid": [
        (why.AMOUNT_INVALID, Bid("nothing", 0)),
        (why.NOT_FOUND, Bid("nothing", 10**9)),
        (why.DELETED, Bid(GONE, 10**9)),
        (why.IS_PRINCIPAL, Bid(OTHER, 10**9)),
        (why.NOT_PERMITTED, Bid(PUBLIC, 10**9)),
        (why.ALREADY_BID, Bid(SUBMITTED, 10**9)),
        (why.INSUFFICIENT, Bid(MINE, 10**9)),
    ],
}
"""As those of the other actions: each further bid has mended what the one before it was told."""

REFUSED_AT_OTHER_MINTS = {why.NO_MINT, why.TOO_MANY}
"""Other reasons for which the mint refuses, each with a test of its own."""
