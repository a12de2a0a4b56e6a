"""The steps that staff take with a complaint: what each asks for and does, and which can be taken now."""
