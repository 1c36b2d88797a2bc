"""Lists as files: all rows of one snapshot, sent while they are read, as CSV, lines of JSON or Parquet."""
