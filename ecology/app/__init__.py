"""The composition root: the only place that names concrete backends and puts the house together.

Reading order: `run_directory` (the files of a run), `assembly` (scenario to world, engine and minds), `running` (begin,
resume, watch, end), `finishing` (export, summary, report), `auditing` (is it all still true?), `node` and
`cluster` (a world on several processes), `observer` (who watches them), `doctor` (what a deployment needs).
"""
