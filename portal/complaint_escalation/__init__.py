"""Late cases are told to the supervising organ, once for each deadline; and what today asks of who works on cases."""
