"""Keeping officers and their cards: entered, extended, suspended, printed, brought in from a spreadsheet."""
