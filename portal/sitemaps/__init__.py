"""How machines find their way: sitemaps, robots.txt, the tags of government sites and canonical addresses."""
