"""Who owns, owes, rents and bids: the records behind escrow, the rights market, delegation and the mint.

Reading order: `holds` (amounts set aside), `listings`, `escrow` and `sale` (for sale), `rentals` and `renting` (rights
that revert), `delegations` and `delegation` (who may charge whom), `bids` and `mint` (the one source of new scrip).
"""
