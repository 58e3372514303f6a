"""Real processes and real sockets on loopback."""
