"""What is true of every world at every moment, whatever its agents did: checked by looking at everything."""

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

import msgspec

from ecology.artifacts.artifact import AGENT_TYPE, Artifact, overhead_bytes
from ecology.artifacts.shelf import words_of
from ecology.core.limits import MAX_AMOUNT, MAX_INBOX_EVENTS, MAX_SUBSCRIPTIONS
from ecology.kernel.actions import AgentConfig
from ecology.kernel.agent import Agent
from ecology.kernel.world import World
from ecology.resources.assets import CPU_CAPACITY, CPU_RATE, LLM_CAPACITY, LLM_RATE
from ecology.resources.bucket import NANO, Bucket
from ecology.testing.economy_laws import broken_economy_laws
from ecology.testing.fingerprint import everything


def broken_laws(world: World) -> list[str]:
    """One line for each law that does not hold between two turns; empty for a world in order."""
    return [
        *_money(world),
        *_artifacts(world),
        *_shelf(world),
        *_subscriptions(world),
        *_quotas(world),
        *broken_economy_laws(world),
        *(line for agent in world.roster for line in _agent(world, agent)),
    ]


def _money(world: World) -> Iterator[str]:
    for asset, total in world.book.totals().items():
        if total:
            yield f"{asset} sums to {total}"
    held: Counter[int] = Counter()
    for hold in world.book.pending():
        held[hold.debit] += hold.amount
    for account, owner, asset, issuer, balance, set_aside in world.book.accounts():
        if not issuer and not 0 <= set_aside <= balance <= MAX_AMOUNT:
            yield f"{owner} has {balance} {asset}, {set_aside} of it held"
        if set_aside != held[account]:
            yield f"{owner}'s holds of {asset} are {held[account]}, its account says {set_aside}"


def _artifacts(world: World) -> Iterator[str]:
    borne: Counter[str] = Counter()
    for it in everything(world):
        borne[it.bearer] += it.size_bytes
        content = world.shelf.contents.get(it.id)
        overhead = len(it.contract_state.encode()) if it.type == AGENT_TYPE else overhead_bytes(it)
        size = 0 if it.deleted else len(content) + overhead
        if it.size_bytes != size:
            yield f"{it.id} is {size} bytes and says {it.size_bytes}"
        if it.revision < 1 + it.deleted or it.updated_ns < it.created_ns:
            yield f"{it.id} has revision {it.revision}, made {it.created_ns}, changed {it.updated_ns}"
        if (it.type == AGENT_TYPE) != (it.id in world.agents) or (it.type == AGENT_TYPE and it.deleted):
            yield f"{it.id} is of type {it.type}"
        if it.standing != (it.id in world.principals and it.id not in world.agents):
            yield f"{it.id} has standing: {it.standing}"
        if len(it.contract_state.encode()) > world.laws.code.state_bytes:
            yield f"the contract of {it.id} keeps {len(it.contract_state)} characters"
    for name, principal in world.principals.items():
        if principal.disk_used != borne[name]:
            yield f"{name} bears {borne[name]} bytes and is charged {principal.disk_used}"


def _quotas(world: World) -> Iterator[str]:
    """Nobody occupies more disk than it may use, unless genesis gave it less than its own configuration needs."""
    for name, principal in world.principals.items():
        own = world.shelf.find(name) if name in world.agents else None
        least = 0 if own is None else own.size_bytes
        if world.disk_free(principal) < 0 and principal.disk_used > least:
            yield f"{name} occupies {principal.disk_used} bytes, {-world.disk_free(principal)} too many"


def _shelf(world: World) -> Iterator[str]:
    """Every index holds exactly what looking at everything finds."""
    wanted: dict[str, dict[str, list[int]]] = {"_by_type": {}, "_by_owner": {}, "_by_word": {}}
    for it in everything(world):
        if it.deleted:
            continue
        drawers = [("_by_type", it.type), ("_by_type", ""), ("_by_owner", it.owner)]
        for index, key in (*drawers, *(("_by_word", word) for word in words_of(it.title))):
            wanted[index].setdefault(key, []).append(it.created_sequence)
    for index, drawers_of in wanted.items():
        if (
            getattr(world.shelf, index) != drawers_of
        ):  # through pages it could not be seen what is there too much
            yield f"the shelf's index {index} is wrong"
    piles: dict[str, list[Artifact]] = {name: [] for name in world.principals}
    for it in everything(world):
        if it.size_bytes and not it.permanent:
            piles[it.bearer].append(it)
    for bearer, pile in piles.items():
        pile.sort(key=lambda it: (it.updated_ns, it.created_sequence), reverse=True)
        if world.shelf.pile(bearer) != pile or world.shelf.written_last(bearer) is not next(iter(pile), None):
            yield f"the shelf's pile of {bearer} is wrong"


def _subscriptions(world: World) -> Iterator[str]:
    for agent in world.roster:
        mine = world.subscriptions.of(agent.id)
        sleeping = [it for it in mine if it.subscription_id.endswith("/sleep")]
        wanted = [] if agent.sleep is None or agent.sleep.event is None else [agent.sleep.event]
        if [it.filter for it in sleeping] != wanted:
            yield f"{agent.id} sleeps for {wanted} and is subscribed to {sleeping}"
        if len(mine) - len(sleeping) > MAX_SUBSCRIPTIONS:
            yield f"{agent.id} has {len(mine)} subscriptions"


def _agent(world: World, agent: Agent) -> Iterator[str]:
    if world.agents.get(agent.id) is not agent or world.roster[agent.ordinal - 1] is not agent:
        yield f"{agent.id} is not where it belongs"
    sequences = [event.sequence for event in agent.inbox]
    if len(sequences) > MAX_INBOX_EVENTS or sequences != sorted(set(sequences)) or agent.missed < 0:
        yield f"the inbox of {agent.id} holds {sequences}"
    if (agent.status == "asleep") != (agent.sleep is not None):
        yield f"{agent.id} is {agent.status} and sleeps for {agent.sleep}"
    if agent.sleep is not None and agent.sleep.until is not None:
        if world.satisfied(agent, agent.llm.updated_ns):
            yield f"{agent.id} sleeps for what is the case: {agent.sleep.until}"
    artifact = world.shelf.find(agent.id)
    if artifact is None or artifact.bearer != agent.id or artifact.revision != agent.config_revision:
        yield f"{agent.id} and its artifact disagree"
    elif msgspec.json.decode(world.shelf.contents.get(agent.id), type=AgentConfig) != agent.config:
        yield f"{agent.id} is not what its artifact says"
    llm = [world.usable(agent, asset) for asset in (LLM_RATE, LLM_CAPACITY)]
    factor = Fraction(world.offices.world.flow_ppm, 1_000_000)
    llm = [max(int(llm[0] * factor), min(llm[0], 1)), int(llm[1] * max(Fraction(1), factor))]
    yield from _bucket(agent, agent.llm, llm)
    yield from _bucket(agent, agent.cpu, [world.usable(agent, asset) for asset in (CPU_RATE, CPU_CAPACITY)])


def _bucket(agent: Agent, bucket: Bucket, rights: list[int]) -> Iterator[str]:
    bounded = [min(right, MAX_AMOUNT // NANO) for right in rights]
    if [bucket.rate, bucket.capacity] != bounded:
        yield f"{agent.id}'s bucket runs at {(bucket.rate, bucket.capacity)}, its rights let it at {bounded}"
    if not 0 <= bucket.level_nano <= bucket.capacity * NANO:
        yield f"{agent.id}'s bucket holds {bucket.level_nano} of {bucket.capacity * NANO} billionths"
