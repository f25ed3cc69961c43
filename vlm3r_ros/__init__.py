"""Ask a robot with one ordinary camera where things are: VLM-3R, live on ROS 2."""

__version__ = "0.1.0"
