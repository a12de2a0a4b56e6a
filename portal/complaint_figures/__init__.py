"""Figures on complaints: for staff in full, as a yearly report, and for the public without small counts."""
