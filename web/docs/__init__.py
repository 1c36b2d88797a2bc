"""The description of the API, walked from its routes and their schemas, and the page that shows it."""
