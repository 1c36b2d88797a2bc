"""What commands and requests look up before they decide."""
