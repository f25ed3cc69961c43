"""Training `nano`: what every stage shares, and the stages."""
