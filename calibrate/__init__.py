"""Calibration: the token-bucket rates that a container really sustains.

A `Sampler` reads what the container uses, a `Workload` makes real agents work in it, a `Controller` decides the rate,
and the outcome is kept as a capacity profile. Like `ledger`, the package imports nothing from `ecology`.

In reading order: `reading` (formulas), `workload`, `control` (what is decided, and by what), `record`, `site`,
`course`, `session`; `levels`, `curve` and `holdout` say what a record shows. `samplers`, `workloads`, `docker` and
`controllers` are what stands behind the protocols, `profiles` what comes out.
"""
