"""One index over all that is public."""
