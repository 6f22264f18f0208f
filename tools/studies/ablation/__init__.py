"""The paper's studies of its own parts (Tables 4 to 7, Fig. 8), on a part of KGBD that two cores can bear."""
