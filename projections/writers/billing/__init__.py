"""Read models of what people vouch for, and stand behind."""
