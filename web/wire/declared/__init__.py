"""What views declare to read of a query, and what becomes of all else."""
