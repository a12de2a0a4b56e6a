"""The register of permits, renewal windows by law and article, reading permits from spreadsheets."""
