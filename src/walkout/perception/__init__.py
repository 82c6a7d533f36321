"""Shopper and hand detection with onnxruntime."""
