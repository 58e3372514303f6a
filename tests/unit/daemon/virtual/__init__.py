"""Parts of the daemon in virtual time."""
