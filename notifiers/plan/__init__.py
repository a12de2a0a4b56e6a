"""What is due becomes rows in the outbox: set-based, safe to run again."""
