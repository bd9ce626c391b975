"""Every operation of the API, asked by every kind of identity that must not see what it would show."""
