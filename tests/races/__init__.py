"""Many clients at once on real PostgreSQL: `script/races` runs as many as are promised, the check a few."""
