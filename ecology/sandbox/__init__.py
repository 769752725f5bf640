"""Running Python that agents wrote: counted, bounded, repeatable, nothing of the host in reach. Knows of no world.

Reading order: `outcome` (limits, and the two ways a run ends), `grammar` (what a program may contain), `counting`
(how it comes to count its own steps), `program` (source made ready to run), `values` (what may cross the border),
`doors` (the host's functions that a program may call), `frame` and `frame.template` (what stands around a program
when it runs), `run` (the sandbox itself), `cost` (what was used as CPU time), `interface` (arguments against
a published interface).

The interpreter is Monty, in worker processes of its own; ADR 0010 says why.
"""
