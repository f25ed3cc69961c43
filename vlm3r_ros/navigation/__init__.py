"""Where the target is, what is free, the way there, and the words for it: without torch or ROS."""
