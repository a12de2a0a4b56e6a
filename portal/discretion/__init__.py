"""Discretion standards: what a violation costs, tier by tier."""
