"""Answers and refusals before they are sent: from templates, read by a second person, sent as they were read."""
