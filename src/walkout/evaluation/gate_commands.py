"""What the store tells its gates, carried out in the simulated world."""

from __future__ import annotations

from walkout.carts.gate import GateAction, GateCommand
from walkout.simulation.world import World


def carry_out(world: World, command: GateCommand) -> None:
    """Open a gate, or show there why it stays closed."""
    if command.action is GateAction.OPEN:
        world.open_gate(command.gate_id)
    else:
        world.deny(command.gate_id, command.reason)
