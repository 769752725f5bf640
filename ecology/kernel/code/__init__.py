"""Code that agents wrote, at work in the world: invocations, and contracts that are code.

An invocation is one synchronous deed (ADR 0011): the world stands still while the code runs, and what it did takes
place whole or not at all. Reading order: `purse` (what code may move of its caller's), `tab` (what the runs of a
turn cost, and their events), `programs` (what is compiled), `functions` (what code can ask of the kernel),
`running` (one run of one method), `contract_code` (a contract's `check`), `invocation` (the action).
"""
