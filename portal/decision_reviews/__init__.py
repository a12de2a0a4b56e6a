"""The second person: checks on record, review, publication."""
