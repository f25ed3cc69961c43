"""The ROS 2 nodes: camera images in, scene state, poses and answers out."""

import os

# Before torch is imported. OpenMP's threads wait in a busy loop by default; on a machine that has
# other work as well, as a robot has, each step then waits for the loops of the others: measured on
# two busy cores, 46 ms a step instead of 90 to 2400.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
