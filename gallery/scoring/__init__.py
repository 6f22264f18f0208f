"""How much a track resembles an enrolled person: similarities, their fusion, thresholds."""
