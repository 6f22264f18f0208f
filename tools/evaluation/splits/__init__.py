"""Splits: the roles of walks (training, gallery, probe), and the windows cut from them."""
