"""Makes reading quick, and nothing else. Read it last: the rest can be understood without it."""
