"""How files hold rows: one module per form, `table` lists them all."""
