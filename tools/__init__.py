"""Tools around the live system: data sets, recordings, training, evaluation, the demo and the doctor."""
