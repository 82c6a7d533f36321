"""Parties, virtual carts, settlement, receipts, gate and payment."""
