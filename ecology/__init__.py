"""Agent Ecology: agents live under real scarcity, and nothing tells them how to organise.

As a library:

    from ecology import Scenario, run

    finished = run("market", seed=7, agents=50)
    finished.summary.measures.gini
    pandas.DataFrame(finished.table("transfer.posted"))

Reading order for the curious: `docs/ARCHITECTURE.md`, then `ecology.engine.agent_loop`, one agent's turn.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecology.app.library import FinishedRun, run
    from ecology.kernel.world import World
    from ecology.scenarios import Scenario

__all__ = ["FinishedRun", "Scenario", "World", "run"]

_HOME = {
    "FinishedRun": "ecology.app.library",
    "Scenario": "ecology.scenarios",
    "World": "ecology.kernel.world",
    "run": "ecology.app.library",
}


def __getattr__(name: str) -> object:
    """Import on first use: the command line's `--help` should not pay for plots and model clients."""
    if name not in _HOME:
        raise AttributeError(f"module 'ecology' has no attribute '{name}'")
    return getattr(import_module(_HOME[name]), name)
