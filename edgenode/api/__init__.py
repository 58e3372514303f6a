"""The REST interface, the status page and what guards them."""
