"""Hold the registry's migrations, which Alembic applies in order: `tidemill db upgrade`."""
