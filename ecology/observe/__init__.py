"""Processes and readers that watch a run from outside: nothing here can fail or slow a turn.

Reading order: `measures` (projections of the event log), `scarcity` (does it bind?), `projections` (all of them in one
pass), `summary` and `summary_table` (the run's end), `report` (the page with plots); `archive` and `follower` (every
revision into git).
"""
