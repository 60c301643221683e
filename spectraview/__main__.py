"""`python -m spectraview` is the command line."""

from spectraview.cli import main

main()
