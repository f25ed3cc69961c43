"""Readers of recordings: folders of images, videos, rosbag2."""
