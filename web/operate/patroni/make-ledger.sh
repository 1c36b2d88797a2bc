#!/bin/sh -e
# Makes the role and the database of the ledger on a new cluster. Patroni calls it with the superuser's URL.
psql --quiet --set=ON_ERROR_STOP=1 --dbname="$1" <<SQL
CREATE ROLE ledger LOGIN PASSWORD 'change-me-3';
CREATE DATABASE ledger OWNER ledger;
SQL
