"""How an observer is doing and what it sees: readiness, Prometheus' figures, and the summary as JSON."""

from collections.abc import Iterable, Mapping

import msgspec

from ecology.core.clock import SECOND_NS
from ecology.nodes.membership import Membership
from ecology.nodes.metrics import Metric, counter, gauge
from ecology.observe.live.measuring import Measured
from ecology.observe.live.observer import Observer
from ecology.store.postgres_watch import Vitals

MOST_LAG_S = 30.0
"""An archive that is farther behind is not ready."""
MOST_LAG_EVENTS = 20_000
"""Measures that are farther behind are not ready."""


class Figures:
    """What one observer answers over HTTP, from what it saw last: nothing here asks the database."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def readiness(self) -> dict[str, bool | str]:
        """Ready is who sees a world and keeps up with it, or stands by while another observer writes the archive."""
        observer = self._observer
        vitals = observer.vitals
        if vitals is None or observer.fault:
            return {"database": observer.fault or "not asked yet"}
        if not vitals.number:
            return {"database": True, "world": "not founded yet: start a node"}
        return {
            "database": True,
            "world": True,
            "archivist": self._archivist(),
            "measures": self._measures(vitals),
        }

    def _archivist(self) -> bool | str:
        observer = self._observer
        tenure, lag_s = observer.tenure, observer.lag_s()
        if tenure.state == "failing":
            return tenure.fault
        if tenure.state == "starting":
            return "waits for the lease"
        if tenure.state == "taking over":
            return "waits for the archive's lock, which another process holds"
        return True if lag_s <= MOST_LAG_S else f"the archive is {lag_s:.0f} s behind"

    def _measures(self, vitals: Vitals) -> bool | str:
        measuring = self._observer.measuring
        if measuring.fault:
            return measuring.fault
        behind = vitals.sequence - measuring.cursor
        return True if behind <= MOST_LAG_EVENTS else f"at event {measuring.cursor} of {vitals.sequence}"

    # -- /metrics

    def metrics(self) -> Iterable[Metric]:
        """The world as it was last seen; without a world, only how the observer does."""
        observer = self._observer
        yield gauge("ecology_database_up", "Whether PostgreSQL answered last time.", not observer.fault)
        yield from self._archive_metrics()
        if observer.vitals is not None:
            yield from self._world_metrics(observer.vitals)
        if observer.measuring.measured is not None:
            yield from _measured_metrics(observer.measuring.measured)

    def _archive_metrics(self) -> Iterable[Metric]:
        observer = self._observer
        tenure = observer.tenure
        writes = tenure.state == "archiving"
        yield gauge("ecology_archivist_active", "Whether this observer writes the archive.", writes)
        yield gauge(
            "ecology_archivist_generation", "The lease's fencing token; 0 without it.", tenure.generation
        )
        yield gauge(
            "ecology_archive_sequence", "This observer knows the archive up to here.", tenure.confirmed
        )
        yield gauge(
            "ecology_archivist_lag_events", "Events since the oldest waiting revision.", observer.lag_events()
        )
        yield gauge(
            "ecology_archivist_lag_seconds", "How long the oldest revision has waited.", observer.lag_s()
        )
        yield counter(
            "ecology_pruned_payloads_total", "Commits whose payload this observer dropped.", observer.pruned
        )

    def _world_metrics(self, vitals: Vitals) -> Iterable[Metric]:
        observer = self._observer
        yield counter("ecology_world_commits_total", "The head's number.", vitals.number)
        yield counter("ecology_world_events_total", "The last event's sequence.", vitals.sequence)
        yield gauge(
            "ecology_world_commits_per_second", "Over the last ten seconds.", observer.commits_per_s()
        )
        yield gauge(
            "ecology_world_time_seconds", "World time of the last commit.", vitals.time_ns / SECOND_NS
        )
        yield gauge("ecology_world_ended", "Whether the world is over.", vitals.ended)
        yield gauge("ecology_world_members", "Nodes that run it.", len(Membership.of(vitals.members).members))
        if vitals.idle_s is not None:
            yield gauge("ecology_world_idle_seconds", "Age of the last commit.", vitals.idle_s)

    # -- /api/v1/summary

    def summary(self) -> bytes:
        """All of it as JSON; `measures` as in `summary.json`, null until there are any."""
        observer = self._observer
        vitals, tenure, measuring = observer.vitals, observer.tenure, observer.measuring
        measured = measuring.measured
        return msgspec.json.encode(
            {
                "founded": observer.founded,
                "world": None if vitals is None else self._world(vitals),
                "archive": {
                    "state": tenure.state,
                    "lease_generation": tenure.generation,
                    "fault": tenure.fault or None,
                    "confirmed_sequence": tenure.confirmed,
                    "lag_events": observer.lag_events(),
                    "lag_seconds": observer.lag_s(),
                },
                "measured_sequence": 0 if measured is None else measured.sequence,
                "agents": {} if measured is None else measured.agents,
                "measures": None if measured is None else measured.measures,
                "fault": observer.fault or measuring.fault or None,
            }
        )

    def _world(self, vitals: Vitals) -> dict[str, object]:
        return {
            "head": vitals.number,
            "sequence": vitals.sequence,
            "world_seconds": vitals.time_ns / SECOND_NS,
            "ended": vitals.ended,
            "members": sorted(Membership.of(vitals.members).members),
            "commits_per_second": self._observer.commits_per_s(),
            "last_commit_age_seconds": vitals.idle_s,
        }


def _measured_metrics(measured: Measured) -> Iterable[Metric]:
    found = measured.measures
    yield gauge("ecology_measured_sequence", "The event up to which the measures go.", measured.sequence)
    yield gauge("ecology_world_agents", "Agents by state.", _labelled(measured.agents), ("state",))
    yield counter(
        "ecology_actions_total",
        "Turns that ended in an action, by outcome.",
        {
            (action, outcome): times
            for action, count in found.measures.actions_by_type.items()
            for outcome, times in (("committed", count.committed), ("refused", count.refused))
        },
        ("action", "outcome"),
    )
    yield counter(
        "ecology_refusals_total", "Refused actions by reason.", _labelled(found.refusals), ("reason",)
    )
    yield gauge("ecology_supply_scrip", "Scrip in existence.", found.measures.supply)
    yield gauge("ecology_artifacts", "Artifacts that are not deleted.", found.measures.artifacts)
    for name, text, value in (
        ("ecology_gini", "Inequality of scrip among principals.", found.measures.gini),
        ("ecology_velocity_per_second", "How often a unit of scrip changes hands.", found.measures.velocity),
    ):
        if value is not None:
            yield gauge(name, text, value)


def _labelled(counts: Mapping[str, int]) -> dict[tuple[str, ...], float]:
    return {(name,): count for name, count in counts.items()}
