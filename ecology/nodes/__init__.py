"""Many processes, one world: each node keeps a replica of it, and one row lock orders what they do.

Reading order: `membership` (who runs whom), `replica` (a world that follows commits), `floor` (where deeds are done),
`turns` and `attendance` (the agents of a node), `term` and `node` (its life), `hints` and `redis_hints` ("look now",
from node to node), `history` (what the log proves of all that); then what it uses and shows: `endpoints`, `figures`,
`metrics` and `service`.
"""
