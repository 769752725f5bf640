"""What happened: the one record from which everything else (reports, archive, wake-ups) is derived.

Reading order: `records` and `economy` (the typed events), `registry` (all of them, and their encoding), `log`
(numbering, buffering, delivery), `subscriptions` (who is woken by what).
"""
