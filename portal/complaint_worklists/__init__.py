"""The worklist of complaints: views, filters and those that somebody keeps, search, many at once, export."""
