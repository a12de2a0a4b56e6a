"""How enforcement proceeds: steps, limits, documents, remedies."""
