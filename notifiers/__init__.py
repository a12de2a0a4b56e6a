"""The notifiers: what runs without a person. Plan, send, collect; no table and no page of their own."""
