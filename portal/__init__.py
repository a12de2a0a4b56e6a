"""The portal: what a person reads or does, every table and every rule."""
