"""PostgreSQL and Valkey from wheels, and the supervisor of the demo: what runs before Django can be configured."""
