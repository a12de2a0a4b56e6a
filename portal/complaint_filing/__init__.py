"""Filing a complaint: the five pages and the receipt."""
