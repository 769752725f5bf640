"""The rights a principal can hold. Each is an asset of the ledger, so each sums to zero and can be transferred in part.

What moves is the limit, never the use: a bucket's level and the bytes an artifact occupies stay where they are.
"""

SCRIP = "scrip"
LLM_RATE = "llm_rate"
LLM_CAPACITY = "llm_capacity"
CPU_RATE = "cpu_rate"
CPU_CAPACITY = "cpu_capacity"
DISK = "disk"
MEMORY = "memory"
LLM_BUDGET = "llm_budget"

UNITS: dict[str, str] = {
    SCRIP: "scrip",
    LLM_RATE: "millitokens per second",
    LLM_CAPACITY: "millitokens",
    CPU_RATE: "CPU microseconds per second",
    CPU_CAPACITY: "CPU microseconds",
    DISK: "bytes",
    MEMORY: "bytes",
    LLM_BUDGET: "micro-dollars",
}

ASSETS: tuple[str, ...] = tuple(UNITS)
FLOWS: dict[str, tuple[str, str]] = {"llm_rate": (LLM_RATE, LLM_CAPACITY), "cpu": (CPU_RATE, CPU_CAPACITY)}
"""Each flow resource's rate asset and capacity asset."""

BUCKET_ASSETS = frozenset({LLM_RATE, LLM_CAPACITY, CPU_RATE, CPU_CAPACITY})
"""What the buckets run at."""
