"""What a call would do, before it is sent."""
