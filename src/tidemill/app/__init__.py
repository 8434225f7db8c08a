"""The only folder that joins stages: the command line, and what its commands run."""
