"""Figures over all resources, read from what the writers keep: no usage row is counted or added up here."""
