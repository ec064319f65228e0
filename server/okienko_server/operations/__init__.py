"""One file per thing a person does. A transaction begins and ends here; nothing here knows of HTTP."""
