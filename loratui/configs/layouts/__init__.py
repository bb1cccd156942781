"""One module for each trainer: where its configuration says that images are."""
