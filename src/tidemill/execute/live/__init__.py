"""What LIVE asks before it sends, and what stops it."""
