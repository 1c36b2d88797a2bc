"""With Patroni and etcd, which `make test-failover` runs: three nodes on this host."""
