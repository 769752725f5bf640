"""Scripted minds: strategies that live by what they observe, without a model.

All are citizens (`citizen`) with a market habit (`merchant`): goods are artifacts whose title states a price; a buyer
pays with a memo that names the good, the seller hands it over. Nothing in the kernel enforces that, so trust must be
earned. What differs is character: see `characters`. `memory` is all that a mind carries from turn to turn.

An `entrepreneur` uses the institutions besides, each at a desk of its own: escrow (`escrow_desk`), the market in rights
(`rights_desk`), others' tools (`tool_desk`) and the mint (`mint_desk`); what it remembers of them are its `books`.
Entrepreneurs are the `toolsmith`, who writes the programs of the `toolbox` (files in `tools`), the `specialist` and the
bidder, whose works tools improve, and the `speculator`.
"""

from ecology.engine.policy import PolicyFactory
from ecology.engine.strategies.characters import Cooperator, FreeRider, Hoarder, Maker, Trader
from ecology.engine.strategies.specialist import Bidder, Specialist
from ecology.engine.strategies.speculator import Speculator
from ecology.engine.strategies.toolsmith import Toolsmith

STRATEGIES: dict[str, PolicyFactory] = {
    "maker": Maker,
    "trader": Trader,
    "hoarder": Hoarder,
    "cooperator": Cooperator,
    "free_rider": FreeRider,
    "toolsmith": Toolsmith,
    "specialist": Specialist,
    "speculator": Speculator,
    "bidder": Bidder,
}
