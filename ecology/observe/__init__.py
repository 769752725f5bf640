"""Processes and readers that watch a run from outside: nothing here can fail or slow a turn.

Reading order: `measures` (projections of the event log), `scarcity` (does it bind?), `projections` (all of them in one
pass), `summary` and `summary_table` (the run's end), `pages` (what every page is made of), `report` (a run's page) and
`calibration` (a calibration's, and its words at the terminal); `archive` and `follower` (every revision into git).
"""
