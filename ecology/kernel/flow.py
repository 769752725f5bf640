"""The one deed that changes how fast tokens flow: the rights stay as they are, the world's factor on them changes.

It looks at every agent, so it costs as much as the world is large. That is what it does: everybody's bucket is settled
at the old rate and runs on at the new one. Whoever calls it does so seldom; no action of an agent comes here.
"""

import msgspec

from ecology.events.records import FlowChanged
from ecology.kernel.world import World
from ecology.resources.assets import LLM_RATE
from ecology.resources.flow import AS_GRANTED_PPM, LEAST_PPM, MOST_PPM


def set_flow(world: World, ppm: int, now_ns: int, why: str) -> bool:
    """Let tokens flow at so many millionths of what the rights say, from now on; False if they do already.

    Who waits for tokens looks again if more of them come; if fewer come, it does when it would have, and waits on.
    Raises ValueError outside LEAST_PPM to MOST_PPM.
    """
    if not LEAST_PPM <= ppm <= MOST_PPM:
        raise ValueError(f"a factor is {LEAST_PPM} to {MOST_PPM} millionths, not {ppm}")
    assert not world.journal.active, "a change of the flow is a deed of its own"
    office = world.offices.world
    before_ppm = office.flow_ppm
    if ppm == before_ppm:
        return False
    world.offices.put(msgspec.structs.replace(office, flow_ppm=ppm))
    for agent in world.roster:
        world.refresh_rights(agent, now_ns)
    world.log.append(
        FlowChanged(
            sequence=world.log.next_sequence,
            time_ns=now_ns,
            principal_id=None,
            turn_id=None,
            flow_ppm=ppm,
            before_ppm=before_ppm,
            why=why,
        )
    )
    for agent in world.roster:
        if ppm > before_ppm or agent.status == "asleep":
            world.reconsider(agent, LLM_RATE, now_ns)
    return True


def mean_flow(world: World) -> int:
    """What an agent's bucket is given now, in millitokens per second, on average over all agents."""
    return sum(agent.llm.rate for agent in world.roster) // max(1, len(world.roster))


def ppm_for(world: World, millitokens_per_s: int) -> int:
    """The factor at which an average agent gets this flow, as near as the bounds allow. Raises ValueError if none can:
    nobody has any right to a flow."""
    right = sum(world.usable(agent, LLM_RATE) for agent in world.roster)
    if not right:
        raise ValueError("no agent has a right to a flow of tokens")
    ppm = round(millitokens_per_s * len(world.roster) * AS_GRANTED_PPM / right)
    return min(max(ppm, LEAST_PPM), MOST_PPM)
