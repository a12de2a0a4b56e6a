"""Tickets of the town hotline from spreadsheets: read, looked at, and filed in the same register as all complaints."""
