"""Deadlines of open cases worked out anew: when the calendar, a kind of case, or the kind that a case is of changes."""
