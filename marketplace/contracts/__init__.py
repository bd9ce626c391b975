"""Contracts: work in milestones, its acceptance, and its settlement up to the last payment."""
