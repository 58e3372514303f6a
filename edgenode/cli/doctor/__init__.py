"""`edgenode doctor`: small checks of the node, this machine and its network, each in a file."""
