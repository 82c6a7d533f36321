"""``walkout calibrate``: pictures, walks and printed boards in, calibrations of a store's cameras out."""
