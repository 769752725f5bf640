"""The observer's git archive: one commit for every change of an artifact, in `archive.git` of the run's directory.

Agents cannot reach it, and it cannot fail or slow a turn: a process of its own (`ecology.observe.follower`) follows the
event log and writes. The archive's cursor is the `Event-Sequence` of its newest commit, so history and cursor move
together, and whatever kills whom, the next follower goes on where the history ends.

Reading order: `archivist` (the run's side: start, nudge, finish, stop), `ecology.observe.follower` (the process),
`outbox` (what it reads), `names` and `commits` (an event as a commit), `writer` over `importer` (commits into git),
`repository` (the git directory), `audit` (does the archive agree with the event log?).
"""
