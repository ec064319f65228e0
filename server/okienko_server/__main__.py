"""`python -m okienko_server` is the command `okienko`."""

from __future__ import annotations

from okienko_server.cli import main

if __name__ == "__main__":
    main(prog_name="okienko")
