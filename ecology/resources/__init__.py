"""Scarcity: what flows, what is in stock, what it costs, and how much thinking fits into a container.

Reading order: `assets` (the rights that the ledger keeps), `bucket` (flow), `costs` (what a turn is charged),
`thoughts` (how many think at once).
"""
