"""Nodes as processes, what stands between them, and peers that misbehave."""
