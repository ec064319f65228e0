"""The clinic's own pages: what its people see and do after signing in."""
