"""What follows a founded complaint about conduct: on which ground, which measure, decided by whom, how it ended."""
