"""The forms that lists come in, beside JSON: their names, and how they are asked for."""
