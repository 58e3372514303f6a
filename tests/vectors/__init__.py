"""Test vectors of the protocol: `protocol.json`, made by `make`."""
