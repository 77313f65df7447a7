"""From a wish on the command line to the TemporaryGrant that asks for it, or to everything that is wrong with it."""
