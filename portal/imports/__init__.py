"""Spreadsheets on their way in: previewed, agreed to, and written, at once or in pieces; whatever their rows are."""
