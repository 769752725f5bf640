"""Is everything a run's database and archive say still true?"""

import tempfile
from pathlib import Path

from ecology.app.run_directory import RunDirectory
from ecology.core.errors import RunFault
from ecology.nodes.endpoints import Endpoint
from ecology.nodes.history_audit import audit_history
from ecology.observe.archive.audit import verify
from ecology.observe.archive.repository import Repository
from ecology.store.audit import audit
from ecology.store.postgres import PostgresStore
from ecology.store.reader import EventReader
from ecology.store.transcript import transcribe
from ledger.audit import AuditReport, Check

SHOWN = 5

ARCHIVE_HEAD = "archive_head"
"""The fact under which a complete run keeps its archive's last commit, and with it all of history."""


def audit_run(run: RunDirectory, *, thorough: bool = False) -> AuditReport:
    """Every law of the ledger and the kernel, and the archive's agreement with the event log.

    `thorough` reads every byte of history, which takes as long as writing it. Damage is a failed check; raises
    StoreFault if the database cannot even be opened, UsageError if there is none yet.
    """
    run.require_begun()
    checks = [*audit(run.database), _archive_agrees(run)]
    if thorough:
        checks.append(_archive_whole(run))
    return AuditReport(all(check.ok for check in checks), checks)


async def audit_shared(place: Endpoint) -> AuditReport:
    """Every law of the ledger and the kernel in a world that nodes share, and what its history proves of the nodes.

    It is read as of two moments; the world goes on meanwhile. Raises StoreFault if it cannot be read.
    """
    store = await PostgresStore.open(place.reveal(), migrate=False)
    try:
        checks = await audit_history(store)
        with tempfile.TemporaryDirectory(prefix="ecology-audit-") as folder:
            file = Path(folder) / "transcript.sqlite"
            await transcribe(store, file)
            checks = [*audit(file), *checks]
    finally:
        await store.close()
    return AuditReport(all(check.ok for check in checks), checks)


def _archive_agrees(run: RunDirectory) -> Check:
    try:
        found = verify(run.path)
        problems = [*found.problems, *_rewritten(run)]
    except RunFault as fault:
        return Check("archive_agrees", False, str(fault))
    fine = f"{found.commits} commits up to event {found.cursor}, {found.compared} contents compared"
    if found.lag:
        fine += f", {found.lag} changes still on their way"
    return Check("archive_agrees", not problems, "; ".join(problems[:SHOWN]) or fine)


def _rewritten(run: RunDirectory) -> list[str]:
    """Whether the archive of a complete run ends with another commit, and so has another history, than it did then."""
    reader = EventReader(run.database)
    try:
        kept = reader.meta(ARCHIVE_HEAD)
    finally:
        reader.close()
    head = Repository(run.archive).head()
    found = None if head is None else head.commit
    return [] if kept in (None, found) else [f"the archive ended with commit {kept}, and now with {found}"]


def _archive_whole(run: RunDirectory) -> Check:
    repository = Repository(run.archive)
    try:
        if repository.head() is not None:
            repository.git("fsck", "--full", "--no-dangling", "--no-progress")
    except RunFault as fault:
        return Check("archive_whole", False, str(fault))
    return Check("archive_whole", True, "git has read every byte of history")
