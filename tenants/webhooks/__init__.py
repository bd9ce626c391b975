"""An organisation's feed, posted to addresses of its own: signed, in order, and again until it is taken."""
