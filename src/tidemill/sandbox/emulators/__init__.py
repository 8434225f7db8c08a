"""Local servers that speak the order-book venues' own protocols."""
