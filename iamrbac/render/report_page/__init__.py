"""The style and the script of the report's page, each inline there and named by its hash in the page's policy."""
