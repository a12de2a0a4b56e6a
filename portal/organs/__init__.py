"""Enforcement organs and their officers."""
