"""What tells who somebody is, found in Chinese texts."""
