"""Training from the command line: data, pictures of a training, weights as they ship."""
