"""A fleet of clusters: its waves, who goes first, when it stops, and how it is split over machines. Pure."""
