"""Input and output only: bytes from files, pipes and recordings become batches."""
