"""Where a run's truth rests: one SQLite file, one writer, one transaction per group of turns.

Reading order: `sql/schema.sql` (the tables), `sqlite` (open, write, load), `rows` (objects to rows and back), `seal`
(what shows a changed event), `connection` (and SQLite's faults in words), `reader` and `audit` (read-only access for
observers).
"""
