"""The end of a publication: withdrawal, credit repair, the end of its period."""
