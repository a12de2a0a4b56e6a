"""Staff: sign-in, roles, the organ they act for."""
