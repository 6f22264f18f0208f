"""Study of attention and contrastive learning: reproduces Fig. 4, 5 and 6 of the paper.

python -m tools.studies.attention DATA... --out DIR [--people 1-50] [--epochs N] [--seeds 0,1,2] [--jobs 1]

Trains without attention and with BAS, MBAS and LAS, each without contrastive learning and with that of the
settings, for each seed, and writes pictures and their numbers into DIR. Each training has a folder there with
a checkpoint, about 90 MB at the paper's size. The same command resumes an interrupted study; a larger number
of epochs continues finished trainings.
"""
