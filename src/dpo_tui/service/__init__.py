"""The whole product without a terminal: labelling and generation over ports."""
