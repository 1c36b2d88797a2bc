"""What people vouch for and stand behind: corrections of figures."""
