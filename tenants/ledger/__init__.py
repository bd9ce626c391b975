"""What was decided, in one hash chain for each organisation; chains of organisations that decide together meet."""
