"""Furniture of many categories, built of simple solids."""
