"""What an organisation uses: counted with its effect, summed by the hour, priced, told, kept in a budget."""
