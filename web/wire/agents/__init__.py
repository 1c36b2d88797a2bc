"""What agents send beside their reports: the bodies of registrations, and the filters of their lists."""
