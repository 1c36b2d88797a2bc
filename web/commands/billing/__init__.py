"""Commands about what people vouch for."""
