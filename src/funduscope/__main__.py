"""`python -m funduscope`: the same as the command `funduscope`."""

from __future__ import annotations

from funduscope.cli.main import main

if __name__ == "__main__":
    main()
