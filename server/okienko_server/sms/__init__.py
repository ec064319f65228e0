"""The way out to patients' phones: one protocol, one file per gateway."""
