"""Data sets from simulation, training, export and model cards."""
