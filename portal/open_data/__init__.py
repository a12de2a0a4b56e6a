"""Open data: feeds, exports of any filtered list, and the page that explains them."""
