"""The node as those see it who watch over it."""
