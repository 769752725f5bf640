"""What every page is made of, so that all look and behave alike: the run's report and the calibration's.

Reading order: `plate` and `canvas` (a figure and how it is drawn), `template` (the file), `parts.html.j2` and
`style.css` (its looks).
"""
