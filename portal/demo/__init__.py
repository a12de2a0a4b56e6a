"""The demonstration: invented people, firms and cases, placed around today."""
