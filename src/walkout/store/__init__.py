"""The description of a store: layout, cameras, catalogue, planogram."""
