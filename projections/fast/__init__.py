"""Makes reading quick, and a first large write. Read it last: the rest can be understood without it."""
