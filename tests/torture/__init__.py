"""Dispatchers that are killed at every step of a send, and the count of what the provider received meanwhile."""
