"""The seam between portal and notifiers: outbox, attempts, receipts, replies."""
