"""Values and arithmetic that every other part shares. Standard library only."""
