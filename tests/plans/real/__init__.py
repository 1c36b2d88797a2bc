"""Everything that can be asked is asked of a million usages, and plans are read: `make test-plans`."""
