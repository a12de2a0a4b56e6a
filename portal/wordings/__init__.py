"""The words of text messages: what ships, what a city says instead, and what each provider has approved."""
