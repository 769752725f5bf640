"""PostgreSQL: does it answer, keep what it acknowledges, agree about the time, and know our tables?"""

from collections.abc import Iterator

from ecology.app.checks.finding import Finding, failed, ok, warning
from ecology.core.errors import StoreFault
from ecology.nodes.endpoints import Endpoint
from ecology.store.postgres_examination import Examination, Schema, examine

OLDEST_VERSION = 15
CLOCK_S = 2.0
"""A difference of the wall clocks that NTP leaves to nobody."""
SPARE_CONNECTIONS = 20


async def check(endpoint: Endpoint, timeout_s: float) -> list[Finding]:
    """All that there is to say about the server."""
    try:
        return judge(await examine(endpoint.reveal(), timeout_s))
    except StoreFault as fault:
        return [failed("postgres", fault.what, fault.remedy)]


def judge(found: Examination) -> list[Finding]:
    """What is to be said of a server that was found so."""
    return [
        _server(found),
        _durability(found),
        _writable(found),
        _connections(found),
        _clock(found),
        *(finding for schema in found.schemas for finding in _schema(found, schema)),
    ]


def _server(found: Examination) -> Finding:
    what = f"{found.where} is version {found.version} and answers in {found.round_trip_us / 1000:.1f} ms"
    if found.version_number < OLDEST_VERSION * 10_000:
        return warning(
            "postgres", what, f"use version {OLDEST_VERSION} or newer: older ones were never tried"
        )
    return ok("postgres", what)


def _durability(found: Examination) -> Finding:
    settings = found.settings
    said = ", ".join(f"{name} = {value}" for name, value in settings.items())
    if settings["fsync"] != "on" or settings["synchronous_commit"] == "off":
        remedy = "set both to on: it would acknowledge deeds that a crash undoes"
        return failed("postgres.durability", said, remedy)
    if settings["full_page_writes"] != "on":
        remedy = "set full_page_writes to on, unless the file system cannot tear a page"
        return warning("postgres.durability", said, remedy)
    return ok("postgres.durability", f"what it acknowledges is stored ({said})")


def _writable(found: Examination) -> Finding:
    if found.read_only:
        return failed("postgres.writable", "it takes no writes", "use the primary server, not a standby")
    return ok("postgres.writable", "it takes writes")


def _connections(found: Examination) -> Finding:
    spare = found.most_connections - found.connections
    what = f"{found.connections} of {found.most_connections} connections in use"
    if spare < SPARE_CONNECTIONS:
        return warning("postgres.connections", what, "raise max_connections or use PgBouncer")
    return ok("postgres.connections", what)


def _clock(found: Examination) -> Finding:
    ahead_s = found.ahead_us / 1_000_000
    if abs(ahead_s) <= max(CLOCK_S, found.round_trip_us / 1_000_000):
        return ok("clock", f"the clocks here and at PostgreSQL differ by {abs(ahead_s):.3f} s")
    side = "behind" if ahead_s > 0 else "ahead of"
    return warning(
        "clock",
        f"the clock here is {abs(ahead_s):.0f} s {side} that of PostgreSQL",
        "set both by NTP; worlds go by the database's clock and do not mind, but stamps and certificates do",
    )


def _schema(found: Examination, schema: Schema) -> Iterator[Finding]:
    name = "postgres.schema." + schema.owner.split()[-1]
    if schema.found == schema.known:
        yield ok(name, f"the tables of {schema.owner} have version {schema.found}, as this program's")
        return
    if schema.found > schema.known:
        yield failed(
            name,
            f"the tables of {schema.owner} have version {schema.found}, this program knows up to {schema.known}",
            "use the version of the program that wrote them, or a later one",
        )
        return
    what = (
        f"the tables of {schema.owner} have version {schema.found} of {schema.known}"
        if schema.found
        else f"there are no tables of {schema.owner} yet"
    )
    if not found.may_create:
        yield failed(
            name, f"{what}, and this user may not make any", "GRANT CREATE ON SCHEMA public TO the user"
        )
    elif schema.found:
        yield warning(name, what, "the next node that starts migrates them; update all nodes")
    else:
        yield ok(name, f"{what}; the first node makes them")
