"""The guess at tokens that a hold needs before a call. What tokens cost is `ecology.resources.costs`."""

_BYTES_PER_TOKEN = 4


def estimate_tokens(text: str) -> int:
    """UTF-8 bytes ÷ 4, rounded up: the vendors' rule of thumb for English text.

    No tokeniser is consulted, so the same text gives the same estimate for every model and on every machine.
    It is an estimate and no bound: other languages run to about one token for two bytes, a byte-level model
    to one for each.
    """
    return -(-len(text.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN)
