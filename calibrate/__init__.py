"""Calibration of an ecology's compute flow against its container.

The package holds the name for the sampler (container CPU, memory and throttling), the controller that tunes a
token-bucket rate against them, the stress workload and the capacity profile in which the result is kept. None of
these is written yet, so importing it gives nothing; like `ledger`, it imports nothing from `ecology`.
"""
