"""What people call a track."""

from __future__ import annotations


def short_name(track_id: int) -> str:
    """Return the last three digits of a track's id, such as "004".

    Ids are unique over restarts, so they are long; they follow each other, so among a thousand tracks in a row no two
    have the same short name. It is for labels alone; whatever must be told apart for good goes by the id.
    """
    return f"{track_id % 1000:03d}"
