"""Stage 1: the geometry encoder learns pointmaps, poses and correspondence from rendered rooms."""
