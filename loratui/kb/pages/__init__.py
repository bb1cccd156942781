"""Pages about everything that the knowledge base holds; `page` makes the one of any id."""
