"""The public log of what was published, corrected and withdrawn: hash-chained and signed."""
