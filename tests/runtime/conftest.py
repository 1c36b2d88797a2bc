"""Clusters of the embedded PostgreSQL."""

from tests.support.clusters import data_dir as data_dir
from tests.support.clusters import made_once as made_once
from tests.support.clusters import open_folder as open_folder
