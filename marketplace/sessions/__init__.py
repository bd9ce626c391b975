"""Remote sessions of an expert under a contract: booked, logged, and billed by the minute."""
