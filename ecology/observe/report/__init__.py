"""The report: one HTML file with everything in it, for a reader who was not there.

Reading order: `story` (what is folded), `shapes` (what figures are made of), the figures
(`wealth_figures`, `activity_figures`, `resource_figures`, `market_figures`, `money_figures`, `network_figure` over
`network_layout`), `tables`, and `page` (the file).
"""

from ecology.observe.report.page import write_report

__all__ = ["write_report"]
