"""What a quantized network costs."""
