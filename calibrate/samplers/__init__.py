"""Samplers that need no engine: a process reads its own limits and use, from its cgroup or from the machine.

In reading order: `hierarchy` (where a process stands among cgroups), `limits`, `counters`, `polling`, then `cgroup` and
`machine`, of which `own` takes the one that fits.
"""
