"""Words and what the public reads of them side by side, and what a person decides about each finding."""
