"""Training from the command line: training data, plots of a training, and preparing weights for release."""
