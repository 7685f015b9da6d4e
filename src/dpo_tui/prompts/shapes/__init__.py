"""What rows of other people's files mean: one module per family, `table` lists them all."""
