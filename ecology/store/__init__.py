"""Where a run's truth rests: one SQLite file with one writer, or one PostgreSQL database that many nodes share.

Reading order: `sql/schema.sql` (the tables), `sqlite` (open, write, load), `rows` (objects to rows and back),
`restored` (a world out of rows), `seal` (what shows a changed event), `connection` (and SQLite's faults in words),
`reader` and `audit` (read-only access for observers), `scripts` (the SQL files).

For many nodes: `sql/postgres/0001_create.sql`, `postgres_head` (one lock orders all commits), `postgres` (open, the
head, load), `postgres_leases` (who may act for a while), `postgres_schema` (migrations), `postgres_contents`,
`postgres_stream` and `postgres_faults`; `postgres_watch` and `postgres_examination` only look. `transcript` tells a
shared world as the file of a run.
"""
