"""Figures over public decisions, drawn and as tables."""
