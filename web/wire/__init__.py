"""The format on the wire: bodies, parameters, fields, answers and errors. Nothing here looks anything up."""
