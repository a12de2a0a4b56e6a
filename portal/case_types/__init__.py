"""Kinds of cases: periods and what they rest on, as data that a city may change."""
