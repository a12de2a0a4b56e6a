"""The power list: who may do what, by which article, and who holds a power on a day."""
