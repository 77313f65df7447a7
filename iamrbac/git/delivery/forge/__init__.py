"""Pull requests at GitHub, and merge requests at GitLab: their REST APIs, with a token or through `gh` and `glab`."""
