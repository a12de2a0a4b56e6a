"""The register of permits, renewal windows by law and article, the importer."""
