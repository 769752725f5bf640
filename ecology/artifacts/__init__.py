"""What agents make: HEAD only. History belongs to the observer and is nowhere reachable from here.

Reading order: `artifact` (one thing), `contents` (its bytes, cached), `shelf` (all things, found by type, owner,
words).
"""
