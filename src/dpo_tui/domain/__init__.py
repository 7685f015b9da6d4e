"""The rules of labelling, pure: standard library only, no I/O, no clock."""
