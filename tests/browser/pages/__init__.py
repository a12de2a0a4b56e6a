"""Page objects: what a reader can do on each page, in the reader's words."""
