"""The beginning of a world - what is issued, to whom, and the first events - and its last one."""

import msgspec

from ecology.core import ids
from ecology.core.clock import SECOND_NS
from ecology.core.seeds import Draw
from ecology.events.records import SCHEMA_VERSION, RunEnded, RunStarted
from ecology.kernel.actions import AgentConfig
from ecology.kernel.lineage import bear
from ecology.kernel.world import World
from ecology.resources.assets import ASSETS, LLM_BUDGET
from ecology.resources.bucket import NANO
from ledger import Status

_STAGGER = 1
"""Purpose of the draw that spreads the agents' first turns over the first second."""


class Settler(msgspec.Struct, frozen=True):
    """An agent at genesis: its configuration and its grants by asset, in base units."""

    config: AgentConfig
    grants: dict[str, int]


def found(world: World, settlers: list[Settler], *, scenario: str, scenario_sha256: str, clock: str) -> None:
    """Issue every grant and bring the settlers to life at time 0, buckets full, first turns spread over a second."""
    log = world.log
    log.append(
        RunStarted(
            sequence=log.next_sequence,
            time_ns=0,
            principal_id=None,
            turn_id=None,
            schema_version=SCHEMA_VERSION,
            scenario=scenario,
            scenario_sha256=scenario_sha256,
            seed=world.seed,
            agents=len(settlers),
            clock=clock,
        )
    )
    issuers = {asset: world.issuer(asset) for asset in ASSETS}
    world.book.open_account(
        ids.SPENT, LLM_BUDGET
    )  # so that no process that joins the world later has to open it
    for ordinal, settler in enumerate(settlers, start=1):
        name = ids.agent_id(ordinal)
        agent = bear(world, 0, name, settler.config, "self_owned", created_by=name, owner=name, turn_id=None)
        for step, asset in enumerate(ASSETS):
            amount = settler.grants.get(asset, 0)
            if not amount:
                continue
            transfer_id = ids.transfer_id(0, ordinal, step)
            status = world.book.transfer(
                transfer_id, issuers[asset], agent.accounts[asset], amount, 0, "genesis"
            )
            assert status is Status.CREATED, f"genesis cannot fail: {status}"
            world.announce_transfer(0, None, None, transfer_id, asset, ids.WORLD, name, amount, "genesis")
        agent.llm.level_nano = agent.llm.capacity * NANO
        agent.cpu.level_nano = agent.cpu.capacity * NANO
        agent.wake_ns = agent.due_ns = Draw(world.seed, ordinal, _STAGGER).below(SECOND_NS)


def end(world: World, now_ns: int) -> None:
    """The world's duration is over: nothing follows."""
    world.log.append(
        RunEnded(
            sequence=world.log.next_sequence,
            time_ns=now_ns,
            principal_id=None,
            turn_id=None,
            reason="duration reached",
        )
    )
