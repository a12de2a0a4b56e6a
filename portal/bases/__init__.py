"""Laws and their articles."""
