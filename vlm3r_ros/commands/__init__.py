"""The subcommands of `vlm3r`, one module each."""
