"""`ecology run ...` for a machine that has only Python and git: sets up `.venv`, then becomes the command."""

import sys

import environment

if __name__ == "__main__":
    environment.ensure(environment.RUN_LOCK).become("ecology", ["run", *sys.argv[1:]])
