"""Invents runs and prints them as trainers do. Imports nothing of what is measured."""
