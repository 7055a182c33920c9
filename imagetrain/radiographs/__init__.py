"""Files to the pixel cache: any radiograph read, guarded against what is in it, and made a square."""
