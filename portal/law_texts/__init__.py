"""What the text of a law looks like, and how it is read."""
