"""The `edgenode` command."""
