"""Studies of the paper: its ablation tables and its figures of attention."""
