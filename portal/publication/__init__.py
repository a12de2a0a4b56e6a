"""Whether what is public is what the public log says: the check for everybody, and for whoever runs the portal."""
