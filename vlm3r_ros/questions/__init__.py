"""Questions about space and time with their true answers, made from scenes."""
