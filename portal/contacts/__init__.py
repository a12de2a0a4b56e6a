"""A phone number: language and opt-out."""
