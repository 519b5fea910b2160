"""The version, in a file of its own so that every other file may import it."""

__version__ = "0.1.0"
