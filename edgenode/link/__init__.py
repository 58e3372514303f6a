"""Authenticated, sealed WebSocket links between nodes."""
