"""Many processes, one world: each node keeps a replica of it, and one row lock orders what they do."""
