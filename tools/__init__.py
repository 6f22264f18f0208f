"""What people run beside the live system: data sets, recordings, the demo, trials and measurements."""
