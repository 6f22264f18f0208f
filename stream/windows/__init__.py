"""From the skeletons of one track to windows of f skeletons, and which of them show a walking person."""
