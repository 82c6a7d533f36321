"""Stand-in of cv_bridge in NumPy and OpenCV's Python module: images between messages and arrays."""

from cv_bridge.core import CvBridge, CvBridgeError, cvtColor2, cvtColorForDisplay, getCvType

__standin__ = True

__all__ = ["CvBridge", "CvBridgeError", "cvtColor2", "cvtColorForDisplay", "getCvType"]
