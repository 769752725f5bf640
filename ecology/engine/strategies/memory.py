"""What a scripted mind remembers. Everything is bounded and goes through `dump`, so that a resumed mind is the same."""

import msgspec


class Good(msgspec.Struct, array_like=True):
    """A good for sale: its price and quality as its title states them, and when it was last priced."""

    kind: str
    price: int
    quality: int
    priced_ns: int


class Offer(msgspec.Struct, array_like=True):
    """Somebody's good, seen in a search."""

    artifact: str
    owner: str
    contract: str
    price: int
    quality: int


class Order(msgspec.Struct, array_like=True):
    """A payment received that is still to be answered: by the good, or by paying it back."""

    buyer: str
    artifact: str
    paid: int


class Delivery(msgspec.Struct, array_like=True):
    """A good on its way to who paid for it, until it is known to have arrived."""

    order: Order
    good: Good


class Purchase(msgspec.Struct, array_like=True):
    """A payment made that is still to be answered."""

    artifact: str
    seller: str
    price: int
    quality: int
    paid_ns: int


class Memory(msgspec.Struct, array_like=True):
    """A mind between turns. Prices are scrip, times world nanoseconds, trust a small number per acquaintance."""

    ask: int
    made: int = 0
    draft: int = 0
    quality: int = 0
    shop: dict[str, Good] = {}
    pantry: dict[str, Good] = {}
    trust: dict[str, int] = {}
    offers: list[Offer] = []
    orders: list[Order] = []
    pleas: list[str] = []
    cheats: list[str] = []
    discards: list[str] = []
    delivery: Delivery | None = None
    purchase: Purchase | None = None
    wanted: str = ""
    want_ns: int = 0
    searches: int = 0
    cursor: int = 0
    usual_price: int = 0
    sold_ns: int = 0
    asked_ns: int = 0
    polished_ns: int = 0
    reprice_ns: int = 0
    heard_bytes: int = 0
    introduced: bool = False
    inputs: list[str] = []


_decoder = msgspec.msgpack.Decoder(Memory)
_encoder = msgspec.msgpack.Encoder()

MAX_ACQUAINTANCES = 32
MAX_QUEUE = 16
MAX_PANTRY = 512
"""Goods beyond this were given by a stranger without end; they lie on the disk and are not thought of."""


def load(dumped: bytes) -> Memory:
    """The memory that `dump` wrote."""
    return _decoder.decode(dumped)


def dump(memory: Memory) -> bytes:
    """The memory as bytes."""
    return _encoder.encode(memory)


def judge(memory: Memory, who: str, change: int) -> None:
    """Trust an acquaintance more or less (-9 to 9); the least interesting one is forgotten when there are too many."""
    memory.trust[who] = max(-9, min(9, memory.trust.get(who, 0) + change))
    if len(memory.trust) > MAX_ACQUAINTANCES:
        del memory.trust[min(memory.trust, key=lambda name: (abs(memory.trust[name]), name))]
