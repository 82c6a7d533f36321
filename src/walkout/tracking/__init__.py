"""The multi-view 3D tracker."""
