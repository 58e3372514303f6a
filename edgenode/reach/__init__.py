"""Being reachable from outside: port mapping, dial-back, hole punching."""
