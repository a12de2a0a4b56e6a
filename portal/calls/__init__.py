"""The call list: whom no text reached, or who asked for it, hears from a person."""
