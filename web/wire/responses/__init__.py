"""The answers of the API as schemas: the one declaration of their names, their order and their types."""
