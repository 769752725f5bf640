"""Bounds that hold in every world, whatever its scenario says. Sizes are bytes of UTF-8."""

MAX_ID_BYTES = 64
MAX_CONTENT_BYTES = 1_000_000
MAX_METADATA_BYTES = 4_096
MAX_MESSAGE_BYTES = 2_000
MAX_MEMO_BYTES = 200
MAX_MEMORY_BYTES = 4_096
MAX_QUERY_BYTES = 1_000
MAX_TAGS = 8
MAX_RECALLED = 16
MAX_READ_BYTES = 16_384
MAX_DEPTH = 64
"""Levels of lists and objects in a JSON value: no machine's recursion limit decides what a world accepts."""
MAX_FILTER_BYTES = 4_096
MAX_INBOX_EVENTS = 32
MAX_SUBSCRIPTIONS = 16
MAX_PREDICATES = 8
MAX_PAGE = 50
MAX_AMOUNT = 2**63 - 1
MAX_SLEEP_NS = 7 * 24 * 3600 * 10**9
MAX_AGENTS = 100_000
