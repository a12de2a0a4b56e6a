"""Complaints by telephone, on paper and at the window, written into the same register by staff."""
