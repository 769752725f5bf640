"""spawn and configure: new agents, and what an agent is told to be."""

from functools import partial

import msgspec

from ecology.artifacts.artifact import AGENT_TYPE, JSON, Artifact
from ecology.core.ids import is_id
from ecology.core.limits import MAX_AGENTS, MAX_AMOUNT, MAX_CONTENT_BYTES
from ecology.core.outcome import Committed, Outcome, Refused
from ecology.events.records import AgentSpawned
from ecology.kernel import refusals
from ecology.kernel.access import perform
from ecology.kernel.actions import AgentConfig, Configure, Spawn
from ecology.kernel.agent import Agent
from ecology.kernel.batch import Turn
from ecology.kernel.world import World
from ecology.resources.assets import DISK, UNITS
from ecology.resources.bucket import Bucket
from ledger import Status as LedgerStatus

_encoder = msgspec.json.Encoder(order="sorted")


def spawn(world: World, turn: Turn, action: Spawn) -> Outcome:
    """A new agent with what its parent gives it, or nothing at all."""
    if not is_id(action.agent):
        return Refused(refusals.ID_INVALID, refusals.MEANING[refusals.ID_INVALID])
    if world.shelf.find(action.agent) is not None:
        return Refused(refusals.NAME_TAKEN, f"'{action.agent}' exists or existed")
    if not world.contracts.exists(action.contract):
        return Refused(refusals.UNKNOWN_CONTRACT, f"no contract '{action.contract[:64]}'")
    if len(world.roster) >= MAX_AGENTS:
        return Refused(refusals.TOO_MANY, f"a world holds at most {MAX_AGENTS} agents")
    if fault := _config_fault(world, action.config):
        return fault
    if fault := _endowment_fault(world, turn, action.endowment):
        return fault
    content = _encoder.encode(action.config)
    if len(content) > action.endowment.get(DISK, 0):
        return Refused(
            refusals.DISK_QUOTA, f"the new agent needs {len(content)} bytes of disk in its endowment"
        )
    agent = bear(
        world,
        turn.now_ns,
        action.agent,
        action.config,
        action.contract,
        created_by=turn.agent.id,
        owner=turn.agent.id,
        turn_id=turn.id,
    )
    for asset in sorted(action.endowment):
        status = world.move(turn, turn.agent, agent, asset, action.endowment[asset], "endowment")
        assert status is LedgerStatus.CREATED, f"the ledger disagrees with its own balance: {status}"
    agent.inbox.clear()  # its endowment is no news to it
    world.born(agent)
    return Committed({"agent": agent.id})


def configure(world: World, turn: Turn, action: Configure) -> Outcome:
    """Change one's own configuration, if its contract lets one."""
    agent = turn.agent
    artifact = world.shelf.find(agent.id)
    assert artifact is not None, "every agent has its artifact"
    changes = {
        name: value for name in action.__struct_fields__ if (value := getattr(action, name)) is not None
    }
    wanted = msgspec.structs.replace(agent.config, **changes)
    return perform(world, turn, "write", artifact, lambda: _reconfigure(world, turn, artifact, wanted))


def rewrite(world: World, turn: Turn, artifact: Artifact, content: bytes) -> Outcome:
    """A new content for an agent's artifact, by somebody whom its contract lets."""
    try:
        config = msgspec.json.decode(content, type=AgentConfig)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Refused(refusals.ARGUMENT_INVALID, f"not a configuration: {str(error)[:200]}")
    return _reconfigure(world, turn, artifact, config)


def _reconfigure(world: World, turn: Turn, artifact: Artifact, config: AgentConfig) -> Outcome:
    if fault := _config_fault(world, config):
        return fault
    agent = world.agents[artifact.id]
    content = _encoder.encode(config)
    size = len(content) + len(artifact.contract_state.encode())
    grown = size - artifact.size_bytes
    if grown > 0 and grown > (free := world.disk_free(agent, own=True)):
        return Refused(refusals.DISK_QUOTA, f"{grown} more bytes wanted, {free} free")
    world.altering(artifact)
    world.charge_disk(agent, grown)
    config = _as_kept(content)
    artifact.revision += 1
    _become(world, agent, config, artifact.revision)
    world.shelf.revise(
        artifact,
        content,
        type=AGENT_TYPE,
        title=config.strategy,
        bearer=agent.id,
        size_bytes=size,
        now_ns=turn.now_ns,
    )
    world.publish(artifact, content, turn.now_ns, turn.actor.id, turn.id)
    world.reconsider(agent, DISK, turn.now_ns)
    return Committed({"agent": agent.id, "revision": artifact.revision})


def _become(world: World, agent: Agent, config: AgentConfig, revision: int) -> None:
    """The agent lives by another configuration from now on."""
    if world.journal.active:
        world.journal.undo.append(partial(_become_again, agent, agent.config, agent.config_revision))
    agent.config, agent.config_revision = config, revision
    world.touch(agent)


def _become_again(agent: Agent, config: AgentConfig, revision: int) -> None:
    agent.config, agent.config_revision = config, revision


def bear(
    world: World,
    now_ns: int,
    agent_id: str,
    config: AgentConfig,
    contract: str,
    *,
    created_by: str,
    owner: str,
    turn_id: str | None,
) -> Agent:
    """Bring an agent to life with nothing: no rights yet, empty buckets. Its artifact occupies its own disk."""
    content = _encoder.encode(config)
    parent = owner if owner in world.agents else None
    agent = Agent(agent_id, len(world.roster) + 1, _as_kept(content), world.open_accounts(agent_id))
    agent.wake_ns = agent.due_ns = now_ns
    agent.llm = Bucket(0, 0, 0, now_ns)
    agent.cpu = Bucket(0, 0, 0, now_ns)
    agent.disk_used = len(content)
    artifact = Artifact(
        id=agent_id,
        created_sequence=world.log.next_sequence,
        type=AGENT_TYPE,
        format=JSON,
        created_by=created_by,
        owner=owner,
        bearer=agent_id,
        contract=contract,
        title=config.strategy,
        depends_on=(),
        metadata={},
        interface=None,
        revision=1,
        size_bytes=len(content),
        created_ns=now_ns,
        updated_ns=now_ns,
    )
    world.enrol(agent, created_by)
    world.touch(agent)
    world.shelf.add(artifact, content)
    world.publish(artifact, content, now_ns, parent, turn_id)
    world.log.append(
        AgentSpawned(
            sequence=world.log.next_sequence,
            time_ns=now_ns,
            principal_id=parent,
            turn_id=turn_id,
            agent_id=agent_id,
            ordinal=agent.ordinal,
            strategy=config.strategy,
            parent_id=parent,
        )
    )
    return agent


def _as_kept(content: bytes) -> AgentConfig:
    """An agent's own copy of its configuration, just as the store will give it back."""
    return msgspec.json.decode(content, type=AgentConfig)


def _config_fault(world: World, config: AgentConfig) -> Refused | None:
    if why := world.strategy_fault(config.strategy):
        return Refused(refusals.UNKNOWN_STRATEGY, why)
    if any(abs(value) >= 2**63 for value in config.traits.values()):
        return Refused(refusals.ARGUMENT_INVALID, "a trait is a 64-bit number")
    try:
        size = len(_encoder.encode(config))
    except (UnicodeEncodeError, msgspec.EncodeError):
        return Refused(refusals.ARGUMENT_INVALID, "the configuration is not valid Unicode")
    if size > MAX_CONTENT_BYTES:
        return Refused(refusals.TOO_LARGE, f"a configuration is at most {MAX_CONTENT_BYTES} bytes")
    return None


def _endowment_fault(world: World, turn: Turn, endowment: dict[str, int]) -> Refused | None:
    for asset, amount in sorted(endowment.items()):
        if asset not in UNITS:
            return Refused(refusals.UNKNOWN_ASSET, f"no asset '{asset[:64]}'; there are {', '.join(UNITS)}")
        if not 1 <= amount <= MAX_AMOUNT:
            return Refused(refusals.AMOUNT_INVALID, refusals.MEANING[refusals.AMOUNT_INVALID])
        if amount > (available := world.disposable(turn.agent, asset)):
            return Refused(refusals.INSUFFICIENT, f"{available} of {asset} available")
        if asset == DISK and amount > (free := world.disk_free(turn.agent, own=True)):
            return Refused(refusals.QUOTA_IN_USE, f"only {free} bytes of its own quota are free")
    return None
