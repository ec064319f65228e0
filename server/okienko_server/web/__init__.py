"""HTTP only: parse, call ONE operation, render."""
