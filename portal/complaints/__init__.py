"""Complaints and reports: intake, query code, clocks, answer, rating."""
