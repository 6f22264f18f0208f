"""The gait encoder: turns windows of skeletons into gait encodings (CAGEs).

- `model`, `attention`, `lstm`: the network of the paper; `pose`: body-size and posture features.
- `inference`: encodes windows as the live system does.
- `encoder_process`: the encoder process of the data path; `encoder_settings`: its settings and its report.
- `weights`, `weights_files`, `contract`: reading and finding weights files, and which CAGEs are comparable.
- `pretext_tasks`: the names of the pretext tasks.
- `pretrained`: the shipped weights and their model card.
- `training`: everything that only training needs.
"""
