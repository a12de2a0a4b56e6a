"""Which organ handles a case: passing it on, giving back what came by mistake, and handling it together."""
