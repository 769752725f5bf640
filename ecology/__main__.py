"""`python -m ecology` is the command `ecology`."""

from ecology.cli import main

main()
