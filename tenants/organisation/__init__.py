"""The organisation itself: its tree of companies, sites and processes; founding, export, import and closing it."""
