"""Workloads that are programs of their own: `lines` is what is said, `spoken` who says it, `child` one beside us."""
