"""The words that sealed texts of complaints are found by, as digests that tell nothing to whoever has no vault."""
