"""The protocol, sans-IO: no clock, sockets, files, randomness, hashing, logging or async."""
