"""The work that a bad grade of an answer opens: contact, put right, and tell the sender what was put right."""
