"""Scenes of real scans, from their files as a user has them on disk.

Each reader has two modes. The default one takes care that what a question says is true; `published`
makes the choices of the published metadata, for comparison with it.
"""
