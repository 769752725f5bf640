"""The laws of the world: what can be done, by whom, and what it moves.

Everything here is synchronous and works on a `World`, the resident working set; nothing here waits, reads a clock or
touches a database. That is what makes an action one transaction: what it changed is taken as a batch and committed
whole.

Reading order: `actions` (the closed union), `refusals` (why not), `contracts` (who may), `agent` (a principal with a
loop), `world` (the working set), `kernel` (check, act, record), `access` and `terms` (asking a contract, and what its
answer costs), then the handlers: `authorship` and `drafts` (read, write, edit, delete), `exchange` (transfer),
`attention` (sleep, subscribe, message), `inquiry` (query), `lineage` (spawn, configure), and two packages: `code`
(invoke, contracts in code) and `economy` (escrow, rights, delegation, mint).
"""
