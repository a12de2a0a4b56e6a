"""The front page, the staff overview, and the pages about the portal itself."""
