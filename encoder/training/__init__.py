"""Self-supervised training of the encoder.

- `train_config`: the settings; `spans`: the training data and the batches; `augment`: augmentation.
- `pretext`, `contrast`, `losses`, `batch_losses`: pretext tasks, contrastive learning, and their losses.
- `training_pass`, `lstm_gradients`: a forward pass with hand-written gradients; `precision`: fp32 or bf16.
- `trainer`, `training_progress`, `distributed`: training loop, reports, processes.
- `running_epoch`, `checkpoint`, `resuming`: progress within an epoch, the file, and its use in a training.
- `model_card`: writes the weights and the model card.
"""
