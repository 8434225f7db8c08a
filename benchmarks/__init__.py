"""What tidemill claims of its speed, measured beside its limits and its peers."""
