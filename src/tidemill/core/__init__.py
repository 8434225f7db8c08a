"""What every stage shares: time, settings, connections, recordings; one concept a file."""
