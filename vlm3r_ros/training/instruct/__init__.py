"""Stage 3: 3D reconstructive instruction tuning."""
