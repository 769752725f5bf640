"""Projections: what the event log says about an ecology, each computed once, by one class, in one pass.

Reading order: `fold` (the pass), `lines` (where events come from), `identity` and `principals` (which run, who takes
part), then the measures: `wealth`, `exchange`, `conduct`, `works`, `health`, `thinking`, `fortunes`, and those of the
economy: `services` (code), `escrow`, `minting`, `prices`; what they lean on: `samples`, `bins`, `waiting`; and the
histories that only a report needs: `timeline`, `tempo`, `levels`. Scarcity has its own module beside this package.

Every movement of an asset is a `transfer.posted`, that of a posted hold included; hold events themselves move nothing.
Every formula and its source: docs/measures.md.
"""
