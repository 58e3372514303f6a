"""Finding peers: neighbours, seeds, and the table of addresses that others have told."""
