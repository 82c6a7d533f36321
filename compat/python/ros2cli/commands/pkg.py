"""``ros2 pkg list | prefix | executables | xml``."""

from __future__ import annotations

import argparse
from pathlib import Path
from xml.etree import ElementTree

from ros2cli import packages
from ros2cli.errors import CommandError


def add_subparsers(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    verbs = parser.add_subparsers(dest="verb", metavar="verb", required=True)
    verbs.add_parser("list", help="list all packages")
    prefix = verbs.add_parser("prefix", help="print a package's prefix")
    prefix.add_argument("package_name")
    prefix.add_argument("--share", action="store_true", help="print the package's share folder instead")
    executables = verbs.add_parser("executables", help="list the executables of a package, or of all")
    executables.add_argument("package_name", nargs="?")
    executables.add_argument("--full-path", action="store_true", help="print paths instead of names")
    xml = verbs.add_parser("xml", help="print a package's package.xml, or one tag of it")
    xml.add_argument("package_name")
    xml.add_argument("-t", "--tag", help="print the text of this tag only")


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    return {"list": _list, "prefix": _prefix, "executables": _executables, "xml": _xml}[args.verb](args)


def _list(args: argparse.Namespace) -> int:
    for name in packages.packages():
        print(name)
    return 0


def _prefix(args: argparse.Namespace) -> int:
    prefix = _found(args.package_name)
    print(prefix / "share" / args.package_name if args.share else prefix)
    return 0


def _found(package: str) -> Path:
    try:
        return packages.packages()[package]
    except KeyError:
        raise CommandError("Package not found") from None


def _executables(args: argparse.Namespace) -> int:
    for package in [args.package_name] if args.package_name else packages.packages():
        for path in packages.executables_of(package):
            print(path if args.full_path else f"{package} {path.name}")
    return 0


def _xml(args: argparse.Namespace) -> int:
    path = _found(args.package_name) / "share" / args.package_name / "package.xml"
    if not path.is_file():
        raise CommandError(f"package '{args.package_name}' has no {path}")
    text = path.read_text(encoding="utf-8")
    if args.tag is None:
        print(text, end="")
        return 0
    elements = ElementTree.fromstring(text).findall(f".//{args.tag}")
    if not elements:
        raise CommandError(f"'{path}' has no tag '{args.tag}'")
    for element in elements:
        print("".join(element.itertext()).strip())
    return 0
