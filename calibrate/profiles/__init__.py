"""Capacity profiles: `profile` is what one holds, `outcome` makes it of a record, `file` keeps it, and `capacity`
predicts by it.
"""
