"""What an operator asks: is it well, what is configured, what was measured."""
