"""What everything else stands on; imports nothing of the project.

Reading order: `ids` (names of things), `outcome` (committed or refused), `clock` (time as a protocol), `seeds`
(randomness as a function of seed, agent and turn), `limits` (the fixed bounds of a world), `errors` (the exception
tree).
"""
