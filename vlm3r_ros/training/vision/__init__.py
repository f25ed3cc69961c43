"""Stage 2: the vision tower learns what each patch of a frame shows."""
