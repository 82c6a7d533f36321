"""Loads a store from its folder: ``store.yaml``, ``catalog.yaml`` and ``planogram.yaml``."""

from __future__ import annotations

import os
from pathlib import Path

from walkout.store.catalog_file import Catalog, read_catalog
from walkout.store.documents import DocumentError, Problem, Report, display_path, open_document, suggestion
from walkout.store.layout_file import Layout, read_layout
from walkout.store.model import Facing, Store
from walkout.store.planogram_file import read_planogram
from walkout.store.validation import check_layout

STORE_FILE, CATALOG_FILE, PLANOGRAM_FILE = "store.yaml", "catalog.yaml", "planogram.yaml"


class StoreError(DocumentError):
    """A store that cannot be loaded; ``problems`` has everything that is wrong with its files."""


def load_store(name_or_directory: str | os.PathLike[str]) -> Store:
    """Load and check a store, by the name of one that is installed or by its folder.

    Raises:
        StoreError: with all problems of all three files.
    """
    directory = find_store(name_or_directory)
    report = Report()
    layout_document = open_document(directory / STORE_FILE, report)
    catalog_document = open_document(directory / CATALOG_FILE, report)
    planogram_document = open_document(directory / PLANOGRAM_FILE, report)
    layout = read_layout(layout_document, directory.resolve().name) if layout_document else Layout()
    catalog = read_catalog(catalog_document, directory) if catalog_document else Catalog()
    facings: list[Facing] = []
    if planogram_document and layout_document and catalog_document:
        facings = read_planogram(
            planogram_document,
            {fixture.fixture_id: fixture for fixture in layout.fixtures},
            {product.sku: product for product in catalog.products},
            {identifier for kind, identifier in layout.declared if kind == "fixture"},
            catalog.declared,
        )
    if layout_document:
        check_layout(layout, layout_document)
    report.check(StoreError)
    return Store(
        store_id=layout.store_id,
        name=layout.name,
        currency=layout.currency,
        floor=layout.floor,
        ceiling=layout.ceiling,
        fixtures=tuple(layout.fixtures),
        cameras=tuple(layout.cameras),
        zones=tuple(layout.zones),
        products=tuple(catalog.products),
        facings=tuple(facings),
        directory=str(directory.resolve()),
    )


def find_store(name_or_directory: str | os.PathLike[str]) -> Path:
    """Return the folder of a store: a path as it is, a plain name from the installed or the source tree's stores.

    Raises:
        StoreError: there is no such folder.
    """
    given = os.fspath(name_or_directory)
    path = Path(given).expanduser()
    is_name = os.sep not in given and given not in ("", ".", "..")
    if is_name:
        for root in store_roots():
            if (root / given).is_dir():
                return root / given
    if path.is_dir() and given:
        return path
    if is_name:
        names = available_stores()
        listed = ", ".join(names) or "none is installed"
        raise _cannot_find(given, f"is no store{suggestion(given, names)}", f"use a folder or one of: {listed}")
    raise _cannot_find(display_path(path), "is no folder", "name the folder that holds store.yaml")


def store_roots() -> list[Path]:
    """Return the folders that hold stores by name: the installed package's, then the source tree's."""
    roots = [Path(prefix) / "share/walkout/config/stores" for prefix in _prefixes()]
    roots += [parent / "config/stores" for parent in Path(__file__).resolve().parents[:5]]
    return [root for root in roots if root.is_dir()]


def available_stores() -> list[str]:
    """Return the names that ``load_store`` knows, sorted."""
    return sorted({path.parent.name for root in store_roots() for path in root.glob(f"*/{STORE_FILE}")})


def _prefixes() -> list[str]:
    """Return the install prefixes of the ROS workspaces that are sourced, the overlay first."""
    return [prefix for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if prefix]


def _cannot_find(name: str, message: str, remedy: str) -> StoreError:
    return StoreError([Problem(name, 0, "", message, remedy)])
