"""What attention and contrastive learning do to reconstruction: Fig. 4, 5 and 6 of the paper, trained here.

python -m tools.studies.attention DATA... --out DIR [--people 1-50] [--epochs N] [--seeds 0,1,2] [--jobs 1]

Trains with no attention, BAS, MBAS and LAS, each without contrastive learning and with that of the settings,
for each seed, and writes pictures and their numbers into DIR. Each training has a folder there, with a
checkpoint of about 90 MB at the paper's size: the same command goes on where it was stopped, and more epochs
go on from fewer.
"""
