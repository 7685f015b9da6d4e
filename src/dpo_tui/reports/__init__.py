"""What there is to tell, as plain data and text that command line and screen both show."""
