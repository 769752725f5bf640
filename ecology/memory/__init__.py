"""What agents remember, found by likeness: an index of ids and vectors beside HEAD, which holds what they remember.

Reading order: `index` (what an index can do), `embedding` and `lexical` (texts to vectors), `vectors` (why scores are
whole numbers), `memories` (what keeps an index true and ranks what it finds), `qdrant_edge` and `qdrant_server` (where
the points are kept).
"""
