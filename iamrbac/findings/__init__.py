"""One Finding for documents, guards, gates and lint. Pure."""
