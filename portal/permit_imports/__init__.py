"""Permits from spreadsheets: read, compared, agreed to, and written, at once or in pieces."""
