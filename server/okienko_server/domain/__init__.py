"""Rules of the field: plain values and functions. No Flask, no SQL, no clock of its own."""
