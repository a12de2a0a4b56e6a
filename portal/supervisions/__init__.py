"""Supervision of a case by the legal office: an order with a deadline, a reply, and whether it is enough."""
