"""What learns: the gait encoder, its attention and weights; `service` is the encoder process."""
