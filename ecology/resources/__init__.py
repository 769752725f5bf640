"""Scarcity: what flows, what is in stock, what it costs, and what the container really has.

Reading order: `assets` (the rights that the ledger keeps), `bucket` (flow), `costs` (what a turn is charged),
`container` (limits of cgroup or machine).
"""
