"""Cameras, projection, triangulation and rigid transforms: arrays in, arrays out."""
