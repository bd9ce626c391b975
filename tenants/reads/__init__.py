"""What partners were given to read: noted as it is loaded, recorded at the commit, shown to the owner."""
