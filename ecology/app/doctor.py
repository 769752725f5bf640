"""Everything that a deployment needs, looked at in turn: `ecology doctor`. Changes nothing, and shows no secret."""

import asyncio
from collections.abc import Awaitable, Mapping
from pathlib import Path

from ecology.app.checks import calibration, database, keys, machine, services
from ecology.app.checks.finding import Finding, failed, ok
from ecology.core.errors import UsageError
from ecology.nodes.endpoints import MODEL, POSTGRES, REDIS, BackingService, Endpoint, find

QDRANT_VARIABLE = "QDRANT_URL"
DEFAULTS = {
    POSTGRES: ("postgres", "worlds live in SQLite files, on one process"),
    REDIS: ("redis", "nodes, if there were any, would look for news once a second"),
    MODEL: ("model", "agents are scripted"),
}


async def examine(environment: Mapping[str, str], folder: Path, timeout_s: float) -> list[Finding]:
    """The findings for this machine, with the services that the environment names.

    Files would go to `folder`; each service is given `timeout_s` seconds to answer.
    """
    found = [*machine.programs(), *machine.limits(), machine.disk(folder), *machine.ports()]
    found += [*keys.check(environment), calibration.profile(folder)]
    asked = [_ask(service, environment, timeout_s) for service in DEFAULTS]
    asked += [_ask_qdrant(environment), _one(calibration.engine(environment, timeout_s))]
    for answers in await asyncio.gather(*asked):
        found += answers
    return found


async def _ask(service: BackingService, environment: Mapping[str, str], timeout_s: float) -> list[Finding]:
    name, default = DEFAULTS[service]
    try:
        endpoint = find(service, environment)
    except UsageError as fault:
        return [failed(name, fault.what, fault.remedy)]
    if endpoint is None:
        return [ok(name, f"{service.variable} is not set: {default}")]
    return await _answers(endpoint, environment, timeout_s)


def _answers(
    endpoint: Endpoint, environment: Mapping[str, str], timeout_s: float
) -> Awaitable[list[Finding]]:
    if endpoint.service is POSTGRES:
        return database.check(endpoint, timeout_s)
    if endpoint.service is REDIS:
        return _one(services.redis(endpoint))
    return _one(services.model(endpoint, environment, timeout_s))


async def _one(finding: Awaitable[Finding]) -> list[Finding]:
    return [await finding]


async def _ask_qdrant(environment: Mapping[str, str]) -> list[Finding]:
    place = environment.get(QDRANT_VARIABLE, "").strip()
    if not place:
        return [
            ok("qdrant", f"{QDRANT_VARIABLE} is not set: memories are indexed by each process for itself")
        ]
    return [await services.qdrant(place, environment)]
