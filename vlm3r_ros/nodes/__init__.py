"""The ROS 2 nodes: camera images in, scene state, poses and answers out."""
