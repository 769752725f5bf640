"""Is everything a run's database and archive say still true?"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from ecology.app.run_directory import RunDirectory
from ecology.core.errors import RunFault
from ecology.nodes.endpoints import Endpoint
from ecology.nodes.history_audit import audit_history
from ecology.observe.archive.audit import ArchiveAudit, verify, verify_as_of
from ecology.observe.archive.outbox import DATABASE
from ecology.observe.archive.repository import ARCHIVE, Head, Repository
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
        checks.append(_is_whole(Repository(run.archive)))
    return AuditReport(all(check.ok for check in checks), checks)


async def audit_shared(place: Endpoint, archive: Path | None = None) -> AuditReport:
    """Every law of the ledger and the kernel in a world that nodes share, and what its history proves of the nodes.

    With the folder of an observer's archive, also that this agrees. All is read as of two moments; the world goes on
    meanwhile. Raises StoreFault if it cannot be read.
    """
    store = await PostgresStore.open(place.reveal(), migrate=False)
    try:
        checks = await audit_history(store)
        with tempfile.TemporaryDirectory(prefix="ecology-audit-") as name:
            folder = Path(name)
            repository = None if archive is None else Repository(archive / ARCHIVE)
            head = (
                None if repository is None else repository.head()
            )  # before the database, which may only be ahead
            await transcribe(store, folder / DATABASE)
            checks = [*audit(folder / DATABASE), *checks]
            if repository is not None:
                checks.append(_agrees(lambda: _as_of(repository, head, folder)))
                checks.append(_is_whole(repository))
    finally:
        await store.close()
    return AuditReport(all(check.ok for check in checks), checks)


def _archive_agrees(run: RunDirectory) -> Check:
    def compare() -> tuple[ArchiveAudit, list[str]]:
        found = verify(run.path)
        return found, [*found.problems, *_rewritten(run)]

    return _agrees(compare)


def _as_of(repository: Repository, head: Head | None, folder: Path) -> tuple[ArchiveAudit, list[str]]:
    found = verify_as_of(repository, head, folder)
    return found, list(found.problems)


def _agrees(compare: Callable[[], tuple[ArchiveAudit, list[str]]]) -> Check:
    try:
        found, problems = compare()
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


def _is_whole(repository: Repository) -> Check:
    try:
        if repository.head() is not None:
            repository.git("fsck", "--full", "--no-dangling", "--no-progress")
    except RunFault as fault:
        return Check("archive_whole", False, str(fault))
    return Check("archive_whole", True, "git has read every byte of history")
