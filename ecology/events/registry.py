"""The one registry of event families, and their only encoding: what is not here is not an event."""

import msgspec

from ecology.events.economy import (
    BidClosed,
    BidPlaced,
    CodeLogged,
    CodeRan,
    ContractStateChanged,
    DelegationGranted,
    DelegationRevoked,
    ListingClosed,
    ListingOpened,
    ListingSold,
    MintResolved,
    RightRented,
    RightReverted,
)
from ecology.events.nodes import NodeJoined, NodeLeft
from ecology.events.records import (
    ActionTaken,
    AgentFailed,
    AgentSpawned,
    AgentStateChanged,
    ArtifactCreated,
    ArtifactDeleted,
    ArtifactUpdated,
    Event,
    FlowChanged,
    HoldClosed,
    HoldOpened,
    MessageSent,
    ModelCalled,
    OwnershipMoved,
    RunEnded,
    RunStarted,
    SubscriptionAdded,
    SubscriptionRemoved,
    TransferPosted,
)

FAMILIES: tuple[type[Event], ...] = (
    RunStarted,
    RunEnded,
    FlowChanged,
    AgentSpawned,
    AgentStateChanged,
    AgentFailed,
    ActionTaken,
    ArtifactCreated,
    ArtifactUpdated,
    ArtifactDeleted,
    OwnershipMoved,
    TransferPosted,
    HoldOpened,
    HoldClosed,
    ModelCalled,
    MessageSent,
    SubscriptionAdded,
    SubscriptionRemoved,
    CodeRan,
    CodeLogged,
    ContractStateChanged,
    DelegationGranted,
    DelegationRevoked,
    ListingOpened,
    ListingSold,
    ListingClosed,
    RightRented,
    RightReverted,
    BidPlaced,
    BidClosed,
    MintResolved,
    NodeJoined,
    NodeLeft,
)
"""The one registry: what is not here is not an event."""

Record = (
    RunStarted
    | RunEnded
    | FlowChanged
    | AgentSpawned
    | AgentStateChanged
    | AgentFailed
    | ActionTaken
    | ArtifactCreated
    | ArtifactUpdated
    | ArtifactDeleted
    | OwnershipMoved
    | TransferPosted
    | HoldOpened
    | HoldClosed
    | ModelCalled
    | MessageSent
    | SubscriptionAdded
    | SubscriptionRemoved
    | CodeRan
    | CodeLogged
    | ContractStateChanged
    | DelegationGranted
    | DelegationRevoked
    | ListingOpened
    | ListingSold
    | ListingClosed
    | RightRented
    | RightReverted
    | BidPlaced
    | BidClosed
    | MintResolved
    | NodeJoined
    | NodeLeft
)

TYPE_OF: dict[type[Event], str] = {family: str(family.__struct_config__.tag) for family in FAMILIES}
FAMILY_OF: dict[str, type[Event]] = {name: family for family, name in TYPE_OF.items()}

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


def encode(event: Event) -> bytes:
    """One line of JSON, without the newline."""
    return _encoder.encode(event)


def decode(line: bytes | str) -> Record:
    """The record of one line; raises `msgspec.DecodeError` on anything else."""
    return _decoder.decode(line)
