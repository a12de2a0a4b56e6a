"""Whom a complaint names: found as soon as it is written, corrected by a supervisor."""
