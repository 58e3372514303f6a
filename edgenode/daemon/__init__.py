"""Configuration, composition of the parts, logs and service notification."""
