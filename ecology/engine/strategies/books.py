"""What a mind with a business remembers besides its `memory`: prices, its listings, tools it knows, its bids.

Everything is bounded and goes through `dump`, like the memory itself. Running prices are in thousandths of a scrip per
lot (`escrow_desk.LOTS`) or per artifact.
"""

import msgspec

from ecology.engine.strategies.memory import Memory

MAX_PRICES = 32
MAX_LISTED = 12
MAX_SEEN = 10
MAX_TOOLS = 32
MAX_POSITIONS = 6
MAX_BIDS = 8
MAX_WORKS = 8


class Listed(msgspec.Struct):
    """A listing of its own: an artifact, or an amount of an asset for good or for a time; and since when."""

    price: int
    since_ns: int
    artifact: str = ""
    asset: str = ""
    amount: int = 0
    rent_ms: int = 0


class Seen(msgspec.Struct):
    """Somebody's listing, seen in a search; the quality is what an artifact's title states."""

    listing: str
    seller: str
    goods: str
    price: int
    quality: int = 0
    artifact: str = ""
    asset: str = ""
    amount: int = 0
    rent_ms: int = 0


class Tool(msgspec.Struct):
    """Somebody's tool and what calling it came to: running means of cost (all layers) and gain, in thousandths.

    `base` is the tool that it is built upon; with no more than `cpu_us` of CPU in the bucket it is not called.
    """

    family: str
    owner: str
    price: int
    cost_milli: int
    gain_milli: int
    uses: int = 0
    failures: int = 0
    base: str = ""
    cpu_us: int = 0


class Work(msgspec.Struct):
    """A tool of its own: what it asks per use, uses since it was last priced and in all, what they brought before that.

    `rising` is whether the last change of its price was a rise. `idle` counts the periods in a row in which nobody used
    it for the least price, `unsold` is whether it was offered in escrow and nobody wanted it.
    """

    family: str
    base: str
    price: int
    priced_ns: int
    uses: int = 0
    total: int = 0
    income: int = 0
    rising: bool = True
    idle: int = 0
    unsold: bool = False


class Product(msgspec.Struct):
    """What a tool returned and is to become a good: its text, its quality and the tool."""

    text: str
    quality: int
    tool: str


class Position(msgspec.Struct):
    """A lot that was bought to be sold again: what it cost, the listing that offers it, and until when it is let."""

    asset: str
    amount: int
    cost: int
    since_ns: int
    listing: str = ""
    let_until_ns: int = 0


class Books(msgspec.Struct, omit_defaults=True):
    """A business between turns.

    `income_milli` is what it earned in the last minutes, what tools cost it taken off, in thousandths of a scrip; up to
    `noted_ns`. `pressure` is how often each right bound, in thousandths of the turns (`rights_desk`).
    """

    income_milli: int = 0
    noted_ns: int = 0
    pressure: dict[str, int] = {}
    scrip: int = 0
    prices: dict[str, int] = {}
    looking_for: str = ""
    look_ns: int = 0
    seen: list[Seen] = []
    listed: dict[str, Listed] = {}
    offering: Listed | None = None
    buying: Seen | None = None
    tools: dict[str, Tool] = {}
    tools_ns: int = 0
    calling: str = ""
    product: Product | None = None
    works: dict[str, Work] = {}
    acquire_ns: int = 0
    earnings: dict[str, int] = {}
    positions: list[Position] = []
    bids: dict[str, int] = {}
    bid_ns: int = 0
    mint_price: int = 1
    reward_milli: int = 0
    submitted: list[str] = []
    measured: str = ""
    subscribed: bool = False


class Mind(msgspec.Struct):
    """Both together, as they are dumped."""

    memory: Memory
    books: Books


_decoder = msgspec.msgpack.Decoder(Mind)
_encoder = msgspec.msgpack.Encoder()


def load(dumped: bytes) -> Mind:
    """What `dump` wrote."""
    return _decoder.decode(dumped)


def dump(mind: Mind) -> bytes:
    """Memory and books as bytes."""
    return _encoder.encode(mind)


def drift(mean: int, sample: int, weight: int) -> int:
    """A running mean (exponential, integers) after one more sample that counts for 1 in `weight`."""
    return mean + (sample - mean) // weight
