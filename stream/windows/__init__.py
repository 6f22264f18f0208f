"""Windows: cutting the skeletons of a track into windows of f skeletons, and detecting walking in them."""
