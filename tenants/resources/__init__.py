"""People and their skills, equipment and stock: who and what is where, when it is booked, and what is missing."""
