"""Ablation studies of the paper (Tables 4 to 7, Fig. 8), on a part of KGBD that trains on two CPU cores."""
