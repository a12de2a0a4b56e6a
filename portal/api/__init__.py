"""The JSON API over what is public."""
