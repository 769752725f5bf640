"""Many processes, one world: each node keeps a replica of it, and one row lock orders what they do.

Reading order: `endpoints` (the services it uses), `replica` (a world that follows commits), `hints` and `redis_hints`
("look now", from node to node), `metrics` (figures for Prometheus), `service` (health, readiness and metrics over HTTP).
"""
