"""Finding peers in virtual time."""
