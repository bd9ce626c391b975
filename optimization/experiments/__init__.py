"""Studies of many solves: robustness, sensitivity, comparisons; resumable, and free of Django."""
