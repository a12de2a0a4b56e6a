"""The texts about one occurrence of a high-risk period: from preparation to approval and receipt."""
