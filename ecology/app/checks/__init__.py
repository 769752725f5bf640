"""What `ecology doctor` looks at. Each check returns findings and raises nothing.

Reading order: `finding`, then `machine` (programs, limits, ports, disk), `keys` (files with secrets), `calibration`
(the capacity profile and the Docker engine), `database` (PostgreSQL) and `services` (the others).
"""
