"""Cases and their answers for everybody to read: with the sender's consent, masked, released by a second person."""
