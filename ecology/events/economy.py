"""The records of the economy: code that ran, contracts' states, delegations, escrow, rents, the mint."""

from ecology.events.records import Event


class CodeRan(Event, frozen=True, kw_only=True, tag="code.ran"):
    """A method of an executable, or a contract's check, ran to its end. `principal_id` is the immediate caller.

    `fault` says why it failed; then nothing of what it did took place. `price` moved from `payer_id` to `recipient_id`
    with what it did. `cpu_us` was charged to `bearer_id`, `cpu_estimate_us` is what the cost model says of the same
    run: equal under the virtual clock. `depth` is 1 for what an agent called itself.
    """

    artifact_id: str
    revision: int
    method: str
    depth: int
    fault: str | None = None
    price: int = 0
    payer_id: str | None = None
    recipient_id: str | None = None
    bearer_id: str | None = None
    steps: int = 0
    calls: int = 0
    cpu_us: int = 0
    cpu_estimate_us: int = 0


class CodeLogged(Event, frozen=True, kw_only=True, tag="code.logged"):
    """What code said by `log`. `principal_id` is whom it acted for."""

    artifact_id: str
    text: str


class ContractStateChanged(Event, frozen=True, kw_only=True, tag="contract.state"):
    """A contract in code keeps another state about an artifact since the access it allowed."""

    contract_id: str
    artifact_id: str
    state_bytes: int
    state_sha256: str


class DelegationGranted(Event, frozen=True, kw_only=True, tag="delegation.granted"):
    """`principal_id` lets `charger_id` charge it, so much per call and per window."""

    charger_id: str
    asset: str
    max_per_call: int
    max_per_window: int
    window_ms: int


class DelegationRevoked(Event, frozen=True, kw_only=True, tag="delegation.revoked"):
    """`charger_id` may no longer charge `principal_id`."""

    charger_id: str
    asset: str


class ListingOpened(Event, frozen=True, kw_only=True, tag="escrow.listed"):
    """For sale: an artifact as of a revision, or an amount of an asset, for good or (`rent_ms`) for a time."""

    listing_id: str
    price: int
    artifact_id: str | None = None
    revision: int = 0
    asset: str | None = None
    amount: int = 0
    rent_ms: int = 0
    buyer_id: str | None = None


class ListingSold(Event, frozen=True, kw_only=True, tag="escrow.sold"):
    """`principal_id` bought it from `seller_id`: price and thing moved together."""

    listing_id: str
    seller_id: str
    price: int
    artifact_id: str | None = None
    artifact_type: str | None = None
    asset: str | None = None
    amount: int = 0
    rent_ms: int = 0


class ListingClosed(Event, frozen=True, kw_only=True, tag="escrow.closed"):
    """No longer for sale: `reason` is cancelled (by its seller) or stale (no longer what was listed)."""

    listing_id: str
    seller_id: str
    reason: str


class RightRented(Event, frozen=True, kw_only=True, tag="right.rented"):
    """`tenant_id` enjoys a part of `owner_id`'s right until `until_ns`."""

    rental_id: str
    asset: str
    amount: int
    owner_id: str
    tenant_id: str
    until_ns: int


class RightReverted(Event, frozen=True, kw_only=True, tag="right.reverted"):
    """The rent is over: what came back of the right (all, except of a budget that was spent)."""

    rental_id: str
    asset: str
    amount: int
    owner_id: str
    tenant_id: str


class BidPlaced(Event, frozen=True, kw_only=True, tag="mint.bid"):
    """An artifact was submitted to the mint; `amount` is held until the resolution."""

    bid_id: str
    artifact_id: str
    revision: int
    amount: int


class BidClosed(Event, frozen=True, kw_only=True, tag="mint.closed"):
    """The end of a bid: `how` is lost, minted, or failed (the scorer gave no score, so nobody paid).

    `price` was paid and shared among the other families, `minted` was issued: the score divided by ten.
    """

    bid_id: str
    bidder_id: str
    artifact_id: str
    how: str
    price: int = 0
    score: int = 0
    minted: int = 0
    detail: str = ""


class MintResolved(Event, frozen=True, kw_only=True, tag="mint.resolved"):
    """A resolution chose its winners by uniform price: each pays the highest losing bid, or the minimum."""

    number: int
    bids: int
    winners: tuple[str, ...]
    price: int
