"""What makes a world move: agent loops, their policies, and the committing of what they did.

Reading order: `agent_loop` (one agent's turns), `policy` (what a mind is), `observation` (what it sees), `guard`
(what keeps a foreign mind's mistakes to itself), `thinking` (paying for thoughts), `committer` (group commit),
`engine` (all loops together), `strategies` (scripted minds), `llm_policy` (minds that are models).
"""
