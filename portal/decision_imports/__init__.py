"""Decisions from spreadsheets in the columns of dual publication: read, compared, and kept as drafts."""
