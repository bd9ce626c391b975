"""What a member has to be at, for the calendar program they use."""
