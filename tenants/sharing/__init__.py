"""Who in the partner uses what was opened, who may see what and why, and what of it stays hidden."""
