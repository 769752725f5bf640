"""The part of the table of refusals that is about the market and about who may charge whom."""

from ecology.core.limits import MAX_AMOUNT, MAX_SLEEP_NS
from ecology.kernel import refusals as why
from ecology.kernel.actions import Action, Buy, Cancel, Delegate, List, Query, Revoke
from ecology.resources.assets import DISK, LLM_RATE, MEMORY, SCRIP
from ecology.testing.worlds import GRANTS
from tests.support.scene import (
    CANCELLED,
    CHILD,
    DEAR,
    FOR_FULL,
    GIFT,
    GONE,
    HALF_A_PAIR,
    LARGE_WARE,
    ME,
    MINE,
    MY_LISTING,
    MY_WARE,
    NEVER_LISTED,
    OTHER,
    PUBLIC,
    QUOTA,
    STALE,
)

_BAD_AMOUNTS = (0, -1, 2**63, 2**70)
_WEEK_MS = MAX_SLEEP_NS // 1_000_000

REFUSED_IN_THE_MARKET: dict[str, dict[str, list[Action]]] = {
    "list": {
        why.AMOUNT_INVALID: [
            *(List(price, artifact=GIFT) for price in _BAD_AMOUNTS),
            *(List(price, asset=LLM_RATE, amount=1) for price in _BAD_AMOUNTS),
            *(List(1, asset=LLM_RATE, amount=amount) for amount in _BAD_AMOUNTS),
            List(1, asset=LLM_RATE),
        ],
        why.ARGUMENT_INVALID: [
            List(1),
            List(1, amount=5),
            List(1, artifact=GIFT, asset=LLM_RATE, amount=1),
            List(1, asset=SCRIP, amount=1),
            *(List(1, asset=LLM_RATE, amount=1, rent_ms=span) for span in (-1, 1, 999, _WEEK_MS + 1, 2**63)),
        ],
        why.UNKNOWN_ASSET: [List(1, asset=asset, amount=1) for asset in ("gold", "", HALF_A_PAIR)],
        why.NOT_RENTABLE: [List(1, artifact=GIFT, rent_ms=1_000), List(1, artifact=GIFT, rent_ms=-1)],
        why.UNKNOWN_PRINCIPAL: [
            List(1, artifact=GIFT, buyer=buyer) for buyer in ("nobody", "", MINE, "world", HALF_A_PAIR)
        ],
        why.SELF_DEALING: [
            List(1, artifact=GIFT, buyer=ME),
            List(1, asset=LLM_RATE, amount=1, buyer=ME),
        ],
        why.NOT_FOUND: [List(1, artifact=name) for name in ("nothing", "", HALF_A_PAIR)],
        why.DELETED: [List(1, artifact=GONE)],
        why.IS_PRINCIPAL: [List(1, artifact=name) for name in (ME, OTHER, CHILD)],
        why.NOT_PERMITTED: [List(1, artifact=PUBLIC), List(1, artifact=LARGE_WARE), List(1, artifact=MINE)],
        why.ALREADY_LISTED: [List(1, artifact=MY_WARE), List(2, artifact=MY_WARE, buyer=OTHER)],
        why.INSUFFICIENT: [
            List(1, asset=LLM_RATE, amount=GRANTS[LLM_RATE] + 1),
            List(1, asset=MEMORY, amount=MAX_AMOUNT, rent_ms=1_000),
            List(1, asset=DISK, amount=QUOTA + 1),
        ],
        why.QUOTA_IN_USE: [List(1, asset=DISK, amount=QUOTA - 300)],
    },
    "buy": {
        why.UNKNOWN_LISTING: [
            Buy(name)
            for name in (
                *(NEVER_LISTED, "", "nothing", "listing-", "listing-0", "listing-01", "listing-1 "),
                *("listing--1", "listing-+1", "listing-1_0", "listing-١", "listing-1e3", MY_WARE),
                *(HALF_A_PAIR, "listing-" + "9" * 5_000, "Listing-1", "1", "#1"),
            )
        ],
        why.LISTING_CLOSED: [Buy(CANCELLED), Buy(CANCELLED, 1)],
        why.LISTING_STALE: [Buy(STALE), Buy(STALE, 0)],
        why.SELF_DEALING: [Buy(MY_LISTING), Buy(MY_LISTING, 0)],
        why.NOT_THE_BUYER: [Buy(FOR_FULL), Buy(FOR_FULL, 0)],
        why.ARGUMENT_INVALID: [Buy(DEAR, limit) for limit in (-1, -(2**70), 2**63, 2**70)],
        why.PRICE_ABOVE_LIMIT: [Buy(DEAR, limit) for limit in (4_999, 0)],
        why.INSUFFICIENT: [Buy(DEAR), Buy(DEAR, 5_000), Buy(DEAR, MAX_AMOUNT)],
        why.DISK_QUOTA: [Buy("listing-1"), Buy("listing-1", 1)],
    },
    "cancel": {
        why.UNKNOWN_LISTING: [Cancel(name) for name in ("", "nothing", NEVER_LISTED, HALF_A_PAIR)],
        why.LISTING_CLOSED: [Cancel(CANCELLED)],
        why.LISTING_STALE: [Cancel(STALE)],
        why.NOT_PERMITTED: [Cancel(DEAR), Cancel(FOR_FULL)],
    },
    "delegate": {
        why.UNKNOWN_ASSET: [
            Delegate(PUBLIC, 1, 1, 1_000, asset)
            for asset in ("gold", "", LLM_RATE, "llm_budget", HALF_A_PAIR)
        ],
        why.AMOUNT_INVALID: [
            *(Delegate(PUBLIC, amount, 5, 1_000) for amount in _BAD_AMOUNTS),
            *(Delegate(PUBLIC, 1, amount, 1_000, "cpu") for amount in _BAD_AMOUNTS),
        ],
        why.ARGUMENT_INVALID: [
            Delegate(PUBLIC, 6, 5, 1_000),
            *(Delegate(PUBLIC, 1, 5, span) for span in (0, -1, 999, _WEEK_MS + 1, 2**63)),
        ],
        why.NOT_FOUND: [Delegate(name, 1, 5, 1_000) for name in ("nothing", "", "freeware", HALF_A_PAIR)],
        why.DELETED: [Delegate(GONE, 1, 5, 1_000)],
        why.SELF_DEALING: [Delegate(ME, 1, 5, 1_000)],
    },
    "revoke": {
        why.UNKNOWN_ASSET: [Revoke(PUBLIC, asset) for asset in ("gold", LLM_RATE, HALF_A_PAIR)],
        why.NOT_FOUND: [
            *(Revoke(name) for name in ("nothing", "", PUBLIC, f"{PUBLIC}/scrip", HALF_A_PAIR)),
            Revoke(LARGE_WARE, "cpu"),
        ],
    },
}
"""What ME is refused in the scene, by action and reason."""

REFUSED_QUERIES: dict[str, list[Action]] = {
    why.ARGUMENT_INVALID: [
        *(
            Query("listings", {"goods": LLM_RATE, "after": cursor})
            for cursor in ("", ".", "1", "1.", ".1", "1.1.1", "-1.1", "١.1", "9" * 100 + ".1", HALF_A_PAIR)
        ),
        Query("listings", {"seller": 5}),
        Query("listing", {"listing": MY_LISTING}),
        Query("delegations", {"payer": OTHER}),
    ],
    why.UNKNOWN_LISTING: [Query("listing"), Query("listing", {"id": NEVER_LISTED})],
    why.LISTING_CLOSED: [Query("listing", {"id": CANCELLED})],
    why.LISTING_STALE: [Query("listing", {"id": STALE})],
}
"""Questions about the market that have no answer."""

MARKET_LADDERS: dict[str, list[tuple[str, Action]]] = {
    "list an artifact": [
        (why.AMOUNT_INVALID, List(0, artifact="nothing", asset="gold", rent_ms=-1, buyer="nobody")),
        (why.ARGUMENT_INVALID, List(1, artifact="nothing", asset="gold", rent_ms=-1, buyer="nobody")),
        (why.NOT_RENTABLE, List(1, artifact="nothing", rent_ms=-1, buyer="nobody")),
        (why.UNKNOWN_PRINCIPAL, List(1, artifact="nothing", buyer="nobody")),
        (why.NOT_FOUND, List(1, artifact="nothing")),
        (why.DELETED, List(1, artifact=GONE)),
        (why.IS_PRINCIPAL, List(1, artifact=OTHER)),
        (why.NOT_PERMITTED, List(1, artifact=LARGE_WARE)),
        (why.ALREADY_LISTED, List(1, artifact=MY_WARE)),
    ],
    "list an asset": [
        (why.AMOUNT_INVALID, List(2**63, asset="gold", rent_ms=-1, buyer=ME)),
        (why.UNKNOWN_ASSET, List(1, asset="gold", rent_ms=-1, buyer=ME)),
        (why.ARGUMENT_INVALID, List(1, asset=DISK, rent_ms=-1, buyer=ME)),
        (why.AMOUNT_INVALID, List(1, asset=DISK, buyer=ME)),
        (why.SELF_DEALING, List(1, asset=DISK, amount=QUOTA + 1, buyer=ME)),
        (why.INSUFFICIENT, List(1, asset=DISK, amount=QUOTA + 1)),
        (why.QUOTA_IN_USE, List(1, asset=DISK, amount=QUOTA - 300)),
    ],
    "buy": [
        (why.ARGUMENT_INVALID, Buy(NEVER_LISTED, -1)),
        (why.UNKNOWN_LISTING, Buy(NEVER_LISTED, 0)),
        (why.LISTING_CLOSED, Buy(CANCELLED, 0)),
        (why.LISTING_STALE, Buy(STALE, 0)),
        (why.SELF_DEALING, Buy(MY_LISTING, 0)),
        (why.NOT_THE_BUYER, Buy(FOR_FULL, 0)),
        (why.PRICE_ABOVE_LIMIT, Buy(DEAR, 0)),
        (why.INSUFFICIENT, Buy(DEAR)),
        (why.DISK_QUOTA, Buy("listing-1")),
    ],
    "delegate": [
        (why.UNKNOWN_ASSET, Delegate(GONE, 6, 0, 0, "gold")),
        (why.AMOUNT_INVALID, Delegate(GONE, 6, 0, 0)),
        (why.ARGUMENT_INVALID, Delegate(GONE, 6, 5, 0)),
        (why.ARGUMENT_INVALID, Delegate(GONE, 5, 5, 0)),
        (why.DELETED, Delegate(GONE, 5, 5, 1_000)),
        (why.SELF_DEALING, Delegate(ME, 5, 5, 1_000)),
    ],
}
"""By action: the first fault is named, and each further one has mended what the one before it was told."""
