"""A shared world watched while it lives: the archive and the measures, fed from PostgreSQL in a process of their own.

Nothing here can fail or slow a node: reads are short, in batches and on connections of their own.

Reading order: `outbox` (what the archive reads), `tenure` (one observer writes the archive, others stand by),
`measuring` (the projections, followed event by event), `observer` (all of it together).
"""
