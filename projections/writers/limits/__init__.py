"""Writers of what may be used: limits of resources, components and users."""
