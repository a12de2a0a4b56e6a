"""Enforcement results and their publication."""
