"""edgenode: a low-memory node of the BrightChain block network."""

__version__ = "0.1.0"
