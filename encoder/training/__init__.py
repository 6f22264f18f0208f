"""Training of the encoder without labels: pretext tasks, contrastive learning, checkpoints, model card."""
