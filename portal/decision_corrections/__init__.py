"""Corrections of published decisions."""
