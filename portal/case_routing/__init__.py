"""Finding out on the workbench to which organ a case belongs, and passing it on there."""
