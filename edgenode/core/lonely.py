"""When a node is lonely, and what its owner can do."""

# Neighbours are found in seconds, and seeds and nodes to begin with answer in a few more: who has
# no link after a minute will hardly find one without help.
LONELY_S = 60

ADVICE = (
    "To join a network, type 'edgenode invite' on a node of it, and here 'edgenode join' with the "
    "line that it prints."
)
