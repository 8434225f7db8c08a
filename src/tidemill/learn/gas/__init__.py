"""Where do gas prices go: what a forecaster learns, says, and is judged by."""
