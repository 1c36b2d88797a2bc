"""Pages for people: what the API answers, as tables and charts that a server without JavaScript shows."""
