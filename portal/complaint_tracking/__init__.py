"""Following a complaint: the case page and what its sender can still do."""
