"""Calibration: the token-bucket rates that a container really sustains.

A `Sampler` reads what the container uses, a `Workload` makes real agents work in it, a `Controller` decides the rate,
and the outcome is kept as a capacity profile. Like `ledger`, the package imports nothing from `ecology`.
"""
