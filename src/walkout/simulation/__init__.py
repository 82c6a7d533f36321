"""The simulated store: people, behaviour, load cells, rendering, truth."""
