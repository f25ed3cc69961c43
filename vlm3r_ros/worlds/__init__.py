"""Rooms with known geometry, filmed by a moving camera; readers of scans; one scene schema."""
