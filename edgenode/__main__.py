"""`python -m edgenode` is the `edgenode` command."""

import sys

from edgenode.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
