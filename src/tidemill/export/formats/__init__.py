"""Hold one file for each format of an export, named as the format is; each has an `EXPORTER`."""
