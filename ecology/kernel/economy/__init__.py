"""Who owns, owes, rents and bids: the records behind escrow, the rights market, delegation and the mint.

Reading order: `listings` and `escrow` (for sale), `rentals` (rights that revert), `delegations` (who may charge whom),
`bids` and `mint` (the one source of new scrip).
"""
