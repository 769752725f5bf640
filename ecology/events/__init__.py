"""What happened: the one record from which everything else (reports, archive, wake-ups) is derived.

Reading order: `records` (the typed events), `log` (numbering, buffering, delivery), `subscriptions` (who is woken by
what).
"""
