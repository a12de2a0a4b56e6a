"""The register of regulated parties."""
