"""Who of a firm's people works on a task it has taken on."""
