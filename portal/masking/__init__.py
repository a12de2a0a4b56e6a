"""What must not stand in a published text, and what stands there instead."""
