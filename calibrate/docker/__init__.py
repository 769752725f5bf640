"""The Docker engine as a place to calibrate in: `engine` finds it, `containers` looks at and makes them.

`stats` is the sampler and `workload` the workload, which speaks through `pipes`; `strays` removes what is left of those
who were killed.
"""
