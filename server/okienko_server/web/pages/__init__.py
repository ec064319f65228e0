"""HTML pages: the widget and its doors, the staff's schedule, the demo's telephone."""
