"""Who is asked afterwards, what they answered, what follows a bad grade."""
