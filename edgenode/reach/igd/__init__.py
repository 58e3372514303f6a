"""Internet Gateway Devices of UPnP: finding one, and calling it."""
