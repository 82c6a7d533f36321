"""Visit an entity and everything it leads to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..launch_context import LaunchContext
    from ..launch_description_entity import LaunchDescriptionEntity


def visit_all_entities_and_collect_futures(
        entity: LaunchDescriptionEntity,
        context: LaunchContext) -> list[tuple[LaunchDescriptionEntity, asyncio.Future]]:
    """Visit depth first and in order; return (entity, future) for all that go on afterwards."""
    sub_entities = entity.visit(context)
    future = entity.get_asyncio_future()
    futures = [] if future is None else [(entity, future)]
    for sub_entity in sub_entities or ():
        futures += visit_all_entities_and_collect_futures(sub_entity, context)
    return futures
