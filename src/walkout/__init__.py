"""Walkout: an open, self-hosted autonomous-checkout store on ROS 2."""

from pkgutil import extend_path

# The interfaces (walkout.msg, walkout.srv) are generated into the install tree; extending the path lets the
# sources of this checkout and those generated modules form one package, whichever comes first on sys.path.
__path__ = extend_path(__path__, __name__)

__version__ = "0.1.0"
