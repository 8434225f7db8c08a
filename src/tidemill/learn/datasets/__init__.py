"""What is learned from: rows with what came of each, prepared and parted so that nothing leaks."""
