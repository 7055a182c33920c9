"""What `nih_pneumonia` compares: the same folds and networks, trained here and by timm's recipe."""
