"""Agreements between organisations, from draft to end, and the grants that they write."""
