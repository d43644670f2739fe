"""Examples to tokens to a fine-tuned checkpoint, with Ray Train and DeepSpeed."""
