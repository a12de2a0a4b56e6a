"""How natural persons are named in Chinese texts, and what the public reads instead."""
